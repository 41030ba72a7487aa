//! `byname machine`.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use byname_machines::{Accelerator, Host, Kind, MachineName, Selector};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};

use super::{FolderArguments, FormatArguments, fields, values};

/// Keep the machines of a fleet by name, and run something on them.
///
/// They are kept in machines.json in the data folder, which every process of this machine shares
/// and which may be edited by hand. The machine `local` is this one: it is always there.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  byname machine add gpu-1 --host ops@10.0.0.7 --label gpu=a100 --memory 64GiB
  byname machine list --label gpu=a100
  byname machine check
  byname machine exec --label gpu=a100 -- nvidia-smi -L

Exit codes: 0 done, 1 failed (of several machines: one of them did), 2 called the wrong way.")]
pub(crate) struct MachineArguments {
    #[command(flatten)]
    pub(crate) folder: FolderArguments,

    #[command(subcommand)]
    pub(crate) command: MachineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MachineCommand {
    /// Add a machine; its name must be free.
    #[command(after_help = "Examples:
  byname machine add gpu-1 --host ops@10.0.0.7:2222 --key ~/.ssh/fleet --folder /srv/work
  byname machine add gpu-2 --host gpu-2.internal --label gpu=a100 --label zone=b --cores 64 \\
    --memory 512GiB --accelerator nvidia-a100:8:80GiB
  byname machine add llm --host llm.internal --model llama-3-70b --url https://llm.internal/v1")]
    Add(AddArguments),

    /// Change what is said of a machine; what is not named stays.
    #[command(after_help = "Examples:
  byname machine update gpu-1 --host ops@10.0.0.8
  byname machine update gpu-1 --label zone=b --unset labels.gpu --unset note
  byname machine update gpu-1 --cores 32 --if-revision 7")]
    Update(UpdateArguments),

    /// Remove a machine.
    #[command(after_help = "Examples:
  byname machine remove gpu-1
  byname machine remove gpu-1 --if-revision 7")]
    Remove(RemoveArguments),

    /// List machines, ordered by name.
    #[command(after_help = "Examples:
  byname machine list
  byname machine list --label 'gpu=a100,zone!=b'
  byname machine list --json | jq -r '.[].name'")]
    List(SelectArguments),

    /// Show everything known about one machine.
    #[command(after_help = "Examples:
  byname machine show gpu-1
  byname machine show gpu-1 --json")]
    Show(ShowMachineArguments),

    /// Run a command on machines, on several at a time.
    ///
    /// What it writes is shown line by line with the machine's name before it. A machine that fails
    /// does not stop the others; the exit code is 1 if one has failed or the command did not end
    /// with 0 everywhere.
    #[command(after_help = "Examples:
  byname machine exec gpu-1 gpu-2 -- uptime
  byname machine exec --label gpu=a100 --jobs 4 --timeout 60 -- nvidia-smi -L
  byname machine exec --all --json -- df -h / | jq '.[] | {name, status}'")]
    Exec(ExecArguments),

    /// Find out whether machines can be reached and used, all at once.
    ///
    /// The exit code is 1 if one of them cannot.
    #[command(after_help = "Examples:
  byname machine check
  byname machine check gpu-1 gpu-2 --timeout 5
  byname machine check --label gpu=a100 --json")]
    Check(CheckArguments),

    /// Add the machines of a file, as one revision or not at all.
    #[command(after_help = "Examples:
  byname machine import fleet.json
  byname machine export | ssh other byname machine import --existing replace -")]
    Import(ImportArguments),

    /// Write machines as JSON, in the form that import reads.
    #[command(after_help = "Examples:
  byname machine export > fleet.json
  byname machine export --label zone=b")]
    Export(ExportArguments),
}

/// How long a change waits.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct WaitArguments {
    /// How long to wait for the right to write; 0 tries once.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value = "30",
        value_parser = values::seconds
    )]
    pub(crate) wait: Duration,
}

/// What is said of a machine.
#[derive(Args, Debug)]
pub(crate) struct FieldArguments {
    /// Where it is; a name, an IPv4 address or an IPv6 address in brackets.
    #[arg(long, value_name = "[USER@]HOST[:PORT]", value_parser = values::checked::<Host>)]
    pub(crate) host: Option<Host>,

    /// The file with the private key for it. The key itself is never kept.
    #[arg(long, value_name = "PATH")]
    pub(crate) key: Option<String>,

    /// The folder on it in which commands run and where relative paths begin.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<String>,

    /// What it is selected by; may be given several times.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = fields::label)]
    pub(crate) labels: Vec<(String, String)>,

    /// How many cores it has.
    #[arg(long, value_name = "N")]
    pub(crate) cores: Option<NonZeroU32>,

    /// How much memory it has: bytes, or with a unit such as 64GiB or 64GB.
    #[arg(long, value_name = "SIZE", value_parser = fields::size)]
    pub(crate) memory: Option<u64>,

    /// Accelerators of one kind, such as nvidia-a100:8:80GiB; may be given several times.
    ///
    /// How many there are is 1 unless said. The size is the memory that each of them has.
    #[arg(
        long = "accelerator",
        value_name = "KIND[:COUNT[:SIZE]]",
        value_parser = fields::accelerator
    )]
    pub(crate) accelerators: Vec<Accelerator>,

    /// A model that it serves; may be given several times.
    #[arg(long = "model", value_name = "ID")]
    pub(crate) models: Vec<String>,

    /// The URL at which it serves them.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Anything else worth knowing.
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct AddArguments {
    /// Its name: a-z, 0-9, `.`, `_` and `-`, at most 63 of them.
    #[arg(value_name = "NAME", value_parser = values::checked::<MachineName>)]
    pub(crate) name: MachineName,

    /// How it is reached; this program can reach machines of kind ssh and local.
    #[arg(long, default_value = "ssh", value_parser = values::checked::<Kind>)]
    pub(crate) kind: Kind,

    #[command(flatten)]
    pub(crate) fields: FieldArguments,

    #[command(flatten)]
    pub(crate) wait: WaitArguments,

    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("change").required(true).multiple(true).args([
    "kind", "host", "key", "folder", "labels", "cores", "memory", "accelerators", "models", "url",
    "note", "unset",
]))]
pub(crate) struct UpdateArguments {
    /// The machine.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// How it is reached.
    #[arg(long, value_parser = values::checked::<Kind>)]
    pub(crate) kind: Option<Kind>,

    #[command(flatten)]
    pub(crate) fields: FieldArguments,

    /// Forget a field before the others are set; may be given several times.
    ///
    /// One of host, key, folder, labels, cores, memory, accelerators, models, url, note; or
    /// labels.KEY, accelerators.KIND, models.ID for a single one.
    #[arg(long, value_name = "FIELD", value_parser = fields::Unset::read)]
    pub(crate) unset: Vec<fields::Unset>,

    /// Only if this is its revision, as show tells it; otherwise nothing is changed.
    #[arg(long, value_name = "N")]
    pub(crate) if_revision: Option<NonZeroU64>,

    #[command(flatten)]
    pub(crate) wait: WaitArguments,

    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

#[derive(Args, Debug)]
pub(crate) struct RemoveArguments {
    /// The machine.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// Only if this is its revision, as show tells it; otherwise nothing is changed.
    #[arg(long, value_name = "N")]
    pub(crate) if_revision: Option<NonZeroU64>,

    #[command(flatten)]
    pub(crate) wait: WaitArguments,
}

#[derive(Args, Debug)]
pub(crate) struct SelectArguments {
    /// Only machines with these labels: terms such as gpu=a100, zone!=b, gpu or !gpu, joined by commas.
    #[arg(long, value_name = "SELECTOR", value_parser = values::checked::<Selector>)]
    pub(crate) label: Option<Selector>,

    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ShowMachineArguments {
    /// The machine.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("which").required(true).args(["names", "label", "all"]))]
pub(crate) struct ExecArguments {
    /// The machines.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,

    /// All machines with these labels, as for list.
    #[arg(long, value_name = "SELECTOR", value_parser = values::checked::<Selector>)]
    pub(crate) label: Option<Selector>,

    /// All machines.
    #[arg(long)]
    pub(crate) all: bool,

    /// On how many machines at a time.
    #[arg(long, value_name = "N", default_value = "32")]
    pub(crate) jobs: NonZeroUsize,

    /// How long the command may take on a machine before it is given up.
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = values::seconds)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) format: FormatArguments,

    /// The command and its arguments, given to the machine as they are.
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub(crate) command: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArguments {
    /// The machines; without any, all.
    #[arg(value_name = "NAME", conflicts_with = "label")]
    pub(crate) names: Vec<String>,

    /// All machines with these labels, as for list.
    #[arg(long, value_name = "SELECTOR", value_parser = values::checked::<Selector>)]
    pub(crate) label: Option<Selector>,

    /// How long a machine may take to answer.
    #[arg(long, value_name = "SECONDS", default_value = "15", value_parser = values::seconds)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

/// What import does with a name that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Existing {
    /// Nothing is imported.
    #[default]
    Refuse,
    /// What is there stays.
    Skip,
    /// What is imported counts.
    Replace,
}

#[derive(Args, Debug)]
pub(crate) struct ImportArguments {
    /// The file, or `-` for stdin.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// What to do with a name that is there already.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub(crate) existing: Existing,

    #[command(flatten)]
    pub(crate) wait: WaitArguments,

    #[command(flatten)]
    pub(crate) format: FormatArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArguments {
    /// Only machines with these labels, as for list.
    #[arg(long, value_name = "SELECTOR", value_parser = values::checked::<Selector>)]
    pub(crate) label: Option<Selector>,
}
