//! Peers that pip installs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs packages into an environment of their own, if that was not done, and gives the folder of its
/// programs.
pub fn install(
    environment: &Path,
    packages: &[&str],
) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let programs = environment.join("bin");
    let done = environment.join(packages.join("-"));
    if !done.exists() {
        eprintln!("installing {} ...", packages.join(", "));
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(environment);
        let mut fill = Command::new(programs.join("pip"));
        fill.args(["install", "--quiet"]).args(packages);
        for command in [&mut make, &mut fill] {
            let status = command.status()?;
            if !status.success() {
                return Err(format!("{command:?}: {status}").into());
            }
        }
        std::fs::write(done, "")?;
    }
    Ok(programs)
}
