//! What the machine and its processes say of themselves, read from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// Clock ticks a second in `/proc/PID/stat`; fixed at 100 on Linux for every architecture we run on.
const TICKS_PER_SECOND: u64 = 100;

/// Processor time that a process has used, in user and kernel mode.
pub fn cpu(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is the program's name in brackets and may hold spaces.
    let (_, fields) = stat
        .rsplit_once(')')
        .context("no name in the process's stat")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks =
        || -> anyhow::Result<u64> { Ok(fields.next().context("a short stat")?.parse()?) };
    let total = ticks()? + ticks()?;
    Ok(Duration::from_millis(total * 1_000 / TICKS_PER_SECOND))
}

/// Memory of a process that is in RAM, in bytes.
pub fn resident(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kibibytes * 1_024)
}

/// The machine in one line: processor, cores, memory, load.
pub fn describe() -> String {
    let field = |file: &str, name: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name));
        let value = line
            .and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim());
        value.unwrap_or("?").to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split_whitespace().take(1).collect::<String>();
    let (model, memory) = (
        field("/proc/cpuinfo", "model name"),
        field("/proc/meminfo", "MemTotal"),
    );
    format!("{model}, {cores} cores, {memory}, load {load} before the run")
}
