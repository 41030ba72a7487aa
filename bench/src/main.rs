//! Measures the registry beside its peers, in one process and in turns, and prints the tables.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

mod allocations;
mod anchor;
mod grid;
mod histogram;
mod machine;
mod measure;
mod names;
mod peers;
mod report;
mod sections;
mod site;
mod tiny;
mod turns;

use grid::Session;
use report::Report;
use sections::store::worker;

const USAGE: &str = "\
usage: scripts/bench [--quick] [--only SECTION]... [--names N]... [--markdown FILE]

  --quick          fewer and shorter windows: under 3 minutes instead of 15
  --only SECTION   one section (may be repeated): reads, handles, mixed, note, whole, writes,
                   memory, once, observe, crossovers, components; lookups, routed, local, remote,
                   start; and store, which takes five minutes, writes to the disk that the build
                   is on, and runs only when named
  --names N        only structures of 10, 100, 1000 or 100000 names, where it matters
  --markdown FILE  write the tables to FILE besides
  --program FILE   the `byname` that section start starts; built for release if none is named

On a machine that does other work, run it with `nice -n -15` if you may. The section store is best run
on a machine that does nothing else: where cores are busy, whoever waited for the disk waits for a core
after it, up to 4 ms each time. `chrt -r 1` avoids that, but changes who gets a lock that others wait for,
so that shares of the least served mean little under it.";

struct Options {
    quick: bool,
    only: Vec<String>,
    sizes: Vec<usize>,
    markdown: Option<String>,
    program: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((worker::WORKER, task)) = arguments.split_first().map(|(a, b)| (a.as_str(), b)) {
        return match worker::main(task) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("{}: {failure}", task.join(" "));
                ExitCode::FAILURE
            }
        };
    }
    if let Some((site::SERVER, task)) = arguments.split_first().map(|(a, b)| (a.as_str(), b)) {
        return site::main(task);
    }
    if arguments.first().is_some_and(|task| task == tiny::SERVER) {
        return match tiny::main() {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("the tiny server: {failure}");
                ExitCode::FAILURE
            }
        };
    }
    let options = match parse(arguments.into_iter()) {
        Ok(options) => options,
        Err(complaint) => {
            eprintln!("{complaint}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the tables cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        quick: false,
        only: Vec::new(),
        sizes: Vec::new(),
        markdown: None,
        program: None,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
        match argument.as_str() {
            "--quick" => options.quick = true,
            "--only" => {
                let only = value()?;
                if !all().any(|(name, _)| name == only) {
                    return Err(format!("there is no section `{only}`"));
                }
                options.only.push(only);
            }
            "--names" => {
                let size = value()?;
                let known = sections::SIZES
                    .into_iter()
                    .find(|known| known.to_string() == size);
                options
                    .sizes
                    .push(known.ok_or(format!("nothing is measured with {size} names"))?);
            }
            "--markdown" => options.markdown = Some(value()?),
            "--program" => options.program = Some(value()?.into()),
            _ => return Err(format!("`{argument}` is not an option")),
        }
    }
    Ok(options)
}

fn all() -> impl Iterator<Item = (&'static str, sections::Run)> {
    sections::SECTIONS.into_iter()
}

fn run(options: &Options) -> io::Result<()> {
    let begun = Instant::now();
    let file = options.markdown.as_ref().map(File::create).transpose()?;
    let mut report = Report::new(file);
    let mut session = Session::new(options.quick, options.sizes.clone(), machine::cores());
    session.program.clone_from(&options.program);
    report.say("# Benchmarks")?;
    report.say(&machine::describe())?;
    report.say(&format!(
        "- protocol: {} interleaved repeats of short windows after a warm-up, the order changing \
         with each; pinned threads; medians of clean windows; reading the clock costs {} ns; the \
         row \"{}\" is what a loop without a lookup takes and is not subtracted",
        if options.quick {
            "3 (`--quick`)".to_owned()
        } else {
            grid::REPEATS.to_string()
        },
        measure::clock(),
        peers::lineup::NULL,
    ))?;
    report.say(&anchor::measure(&mut session))?;
    for (name, section) in all() {
        let named = options.only.iter().any(|only| only == name);
        if named || (options.only.is_empty() && name != sections::APART) {
            section(&mut session, &mut report)?;
        }
    }
    let stated = |only: &String| sections::STATED.contains(&only.as_str());
    if options.only.is_empty() || !options.only.iter().all(stated) {
        sections::aims::run(&session, &mut report)?;
    }
    report.say(&format!(
        "{}. With two threads, arithmetic that fills a core took {:.2}× what it took with one (the \
         best of each): 1 means cores that share nothing, 2 two halves of one core. {:.0} s in all.",
        session.account(),
        session.sharing(),
        begun.elapsed().as_secs_f64(),
    ))
}
