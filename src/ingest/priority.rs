//! Who goes first where there are more threads than cores.

/// How far a thread steps back, on the system's scale of 19: far enough that a search beside it is as quick
/// as it is alone, and that nothing else on the machine waits for pictures.
#[cfg(target_os = "linux")]
const STEPS: i32 = 10;

/// Has this thread leave its core to others that want it: whoever searches waits for an answer, who stores
/// pictures does not. Only Linux has this for one thread; elsewhere nothing happens.
pub(super) fn step_back() {
    #[cfg(target_os = "linux")]
    if std::env::var_os("SIMDEX_NO_NICE").is_none()
        && let Err(error) = rustix::process::nice(STEPS)
    {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}
