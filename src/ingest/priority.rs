//! Who goes first where there are more threads than cores.

/// Priority of threads that nobody waits for, on the system's scale from 0, the usual one, to 19: far enough
/// down that a search beside a crawl is nearly as quick as alone.
#[cfg(target_os = "linux")]
const BACK: i32 = 10;

/// Has this thread leave its core to others that want it: whoever searches waits for an answer, who stores
/// pictures does not. Only Linux has this for a thread by itself; elsewhere nothing happens.
pub fn step_back() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};

        let stepped = match getpriority_process(None) {
            Ok(own) if own >= BACK => Ok(()),
            _ => setpriority_process(None, BACK),
        };
        if let Err(error) = stepped {
            tracing::debug!(%error, "a thread keeps its priority");
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use rustix::process::getpriority_process;

    #[test]
    fn a_thread_steps_back_once_and_others_stay_where_they_are() {
        let before = getpriority_process(None).unwrap();
        let stepped = std::thread::spawn(|| {
            step_back();
            step_back();
            getpriority_process(None).unwrap()
        });
        assert_eq!(stepped.join().unwrap(), before.max(BACK));
        assert_eq!(getpriority_process(None).unwrap(), before);
    }
}
