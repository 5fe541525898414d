//! Turns: their order, their pauses, and what slow or overloaded hosts do to them.

use super::*;

const DELAY: Duration = Duration::from_secs(2);
const A: HostId = HostId([1; 8]);
const B: HostId = HostId([2; 8]);

fn far() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

fn pacer(host_concurrency: usize) -> Arc<Pacer> {
    Arc::new(Pacer::new(host_concurrency, 1.0))
}

#[tokio::test(start_paused = true)]
async fn the_delay_runs_from_the_end_of_a_request() {
    let pacer = pacer(1);
    let turn = pacer.turn(A, None, DELAY, far()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    drop(turn);
    let ended = Instant::now();
    drop(pacer.turn(A, None, DELAY, far()).await.unwrap());
    assert!(ended.elapsed() >= DELAY, "never less than the delay");
    assert!(ended.elapsed() <= DELAY.mul_f64(1.0 + JITTER) + Duration::from_millis(2));
}

#[tokio::test(start_paused = true)]
async fn concurrent_requests_keep_the_delay_between_starts() {
    let pacer = pacer(3);
    let begun = Instant::now();
    let mut turns = Vec::new();
    for i in 0..3 {
        turns.push(pacer.turn(A, None, DELAY, far()).await.unwrap());
        assert!(begun.elapsed() >= DELAY * i);
    }
    assert!(pacer.try_turn(A, None, DELAY).is_err(), "three at once");
}

#[tokio::test(start_paused = true)]
async fn names_on_one_server_are_one_server() {
    let pacer = pacer(1);
    let server = Some("192.0.2.1".parse().unwrap());
    let other = Some("192.0.2.2".parse().unwrap());
    let turn = pacer.try_turn(A, server, DELAY).unwrap();
    assert!(pacer.try_turn(B, server, DELAY).is_err());
    drop(pacer.try_turn(B, other, DELAY).unwrap());
    drop(turn);
    let ended = Instant::now();
    let host = HostId([3; 8]);
    drop(pacer.turn(host, server, DELAY, far()).await.unwrap());
    assert!(ended.elapsed() >= DELAY);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_asks_for_patience_gets_it() {
    let pacer = pacer(1);
    let until = Instant::now() + Duration::from_secs(60);
    pacer.hold(A, until);
    let soon = Instant::now() + Duration::from_secs(1);
    assert_eq!(pacer.turn(A, None, DELAY, soon).await.err(), Some(until));
    drop(pacer.turn(A, None, DELAY, far()).await.unwrap());
    assert!(Instant::now() >= until);
}

#[tokio::test(start_paused = true)]
async fn overload_doubles_the_delay_and_it_shrinks_slowly() {
    let pacer = pacer(1);
    let mut delays = Vec::new();
    for _ in 0..3 {
        let mut turn = pacer.turn(A, None, DELAY, far()).await.unwrap();
        turn.learn(Health::Overloaded);
        delays.push(turn.delay);
    }
    assert_eq!(delays, [4, 8, 16].map(Duration::from_secs));
    let mut good = 0;
    loop {
        let mut turn = pacer.turn(A, None, DELAY, far()).await.unwrap();
        if turn.delay == DELAY {
            break;
        }
        turn.learn(Health::Well(Duration::from_millis(5)));
        good += 1;
    }
    assert!((40..100).contains(&good), "{good} good answers");
}

#[tokio::test(start_paused = true)]
async fn slow_hosts_are_asked_less_often() {
    let pacer = pacer(1);
    for (host, least, expected) in [(A, DELAY, 7), (B, Duration::ZERO, 0)] {
        let mut turn = pacer.try_turn(host, None, least).unwrap();
        turn.learn(Health::Well(Duration::from_secs(7)));
        drop(turn);
        let turn = pacer.turn(host, None, least, far()).await.unwrap();
        assert_eq!(turn.delay, Duration::from_secs(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn idle_hosts_are_forgotten_and_held_ones_are_not() {
    let pacer = pacer(1);
    pacer.hold(A, far());
    for n in 0..3 * REMEMBERED as u64 {
        let host = HostId((n + 7).to_be_bytes());
        drop(pacer.try_turn(host, None, Duration::ZERO).unwrap());
    }
    assert!(pacer.paces().by_key.len() <= REMEMBERED + 1);
    assert!(pacer.try_turn(A, None, DELAY).is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_owed_to_a_host_is_told() {
    let pacer = pacer(1);
    assert_eq!(pacer.rest(A), None);
    let mut turn = pacer.try_turn(A, None, DELAY).unwrap();
    let asked = pacer.rest(A).unwrap();
    assert_eq!((asked.is_asked, asked.delay), (true, DELAY));
    drop(turn);
    let after = pacer.rest(A).unwrap();
    assert!(!after.is_asked && after.left >= DELAY);
    tokio::time::sleep(DELAY * 2).await;
    assert_eq!(pacer.rest(A).unwrap().left, Duration::ZERO);
    turn = pacer.try_turn(A, None, DELAY).unwrap();
    turn.learn(Health::Overloaded);
    drop(turn);
    assert!(
        pacer.rest(A).unwrap().left >= DELAY * 2,
        "it was overloaded"
    );
    pacer.hold(A, far());
    assert!(pacer.rest(A).unwrap().left > Duration::from_secs(3500));
}
