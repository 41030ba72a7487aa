//! What the system tells of this process.

use super::exposition::{Exposition, Kind};

/// Adds what is known: on Linux time, memory, threads and files; elsewhere nothing. It reads files that
/// the system makes up, and so belongs on a thread that may wait.
pub(in crate::http::admin) fn write(exposition: &mut Exposition) {
    #[cfg(target_os = "linux")]
    linux::write(exposition);
    #[cfg(not(target_os = "linux"))]
    let _ = (exposition, Kind::Gauge);
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;

    use super::{Exposition, Kind};

    pub(super) fn write(exposition: &mut Exposition) {
        let cpu = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        #[allow(
            clippy::cast_precision_loss,
            reason = "seconds with nine digits behind"
        )]
        let cpu = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
        exposition
            .family(
                "process_cpu_seconds",
                Kind::Counter,
                "seconds",
                "Time of processors that the process has used.",
            )
            .sample(&[], cpu);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        for (name, key, unit, help, times) in [
            (
                "process_resident_memory_bytes",
                "VmRSS:",
                "bytes",
                "Memory of the process that is in the machine's.",
                1024,
            ),
            (
                "process_virtual_memory_bytes",
                "VmSize:",
                "bytes",
                "Addresses of the process that mean something.",
                1024,
            ),
            (
                "process_threads",
                "Threads:",
                "",
                "Threads of the process.",
                1,
            ),
        ] {
            if let Some(value) = field(&status, key) {
                let family = exposition.family(name, Kind::Gauge, unit, help);
                family.whole(&[], value.saturating_mul(times));
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // Reading the folder opens it: that is not one of the process's own.
            let open = open.count().saturating_sub(1) as u64;
            exposition
                .family("process_open_fds", Kind::Gauge, "", "Files that are open.")
                .whole(&[], open);
        }
        let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        if let Some(most) = limits.current {
            exposition
                .family(
                    "process_max_fds",
                    Kind::Gauge,
                    "",
                    "Files that may be open.",
                )
                .whole(&[], most);
        }
    }

    /// The number behind a key.
    fn field(status: &str, key: &str) -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse().ok()
    }
}
