//! Who is out after which outcomes, on a clock that the test turns.

use super::*;
use crate::sample;

struct World {
    detector: Detector,
    settings: OutlierDetection,
    now: Instant,
}

fn address(host: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, u8::try_from(host).expect("few hosts")], 80))
}

impl World {
    fn new(hosts: usize, settings: &str) -> Self {
        let text = format!(r#"{{"name": "c", "type": "STATIC", "outlier_detection": {{{settings}}}}}"#);
        let settings = sample::cluster(&text).outlier.clone().expect("settings");
        let now = Instant::now();
        let mut detector = Detector::new(settings.clone(), now);
        assert_eq!(detector.set_hosts((0..hosts).map(address)), []);
        Self { detector, settings, now }
    }

    fn see(&mut self, host: usize, outcome: Outcome, times: usize) -> Vec<Event> {
        let mut events = Vec::new();
        for _ in 0..times {
            let mut met = Vec::new();
            let Some(monitor) = self.detector.monitor(address(host)) else { return events };
            monitor.observe(&self.settings, outcome, &mut |rule| met.push(rule));
            for rule in met {
                events.extend(self.detector.met(address(host), rule, self.now, &mut || 0));
            }
        }
        events
    }

    fn pass(&mut self, seconds: u64) -> Vec<Event> {
        self.now += Duration::from_secs(seconds);
        self.detector.tick(self.now, &mut || 0)
    }

    fn out(&self) -> Vec<usize> {
        (0..20).filter(|host| self.detector.is_ejected(address(*host))).collect()
    }
}

use Outcome::{Connected, ConnectedOnly, Failed, Response, TimedOut};

#[test]
fn consecutive_failures_eject() {
    let gateway = r#""consecutive_gateway_failure": 3, "enforcing_consecutive_gateway_failure": 100"#;
    let split = r#""split_external_local_origin_errors": true, "consecutive_local_origin_failure": 2"#;
    /// Settings, outcomes with how often each, and whether the host is ejected.
    type Case = (&'static str, &'static [(Outcome, usize)], bool);
    let cases: &[Case] = &[
        ("", &[(Response(500), 5)], true),
        ("", &[(Response(500), 4), (Response(404), 1), (Response(500), 4)], false),
        ("", &[(Response(500), 2), (Failed, 2), (TimedOut, 1)], true),
        ("", &[(Failed, 4), (Connected, 1), (Failed, 1)], true),
        ("", &[(Failed, 4), (ConnectedOnly, 1), (Failed, 1)], false),
        (r#""consecutive_5xx": 1"#, &[(Response(503), 1)], true),
        (r#""consecutive_5xx": 0"#, &[(Response(503), 50)], false),
        (r#""enforcing_consecutive_5xx": 0"#, &[(Response(503), 50)], false),
        (gateway, &[(Response(502), 1), (Response(503), 1), (Response(504), 1)], true),
        (gateway, &[(Response(503), 2), (Response(500), 1), (Response(503), 1)], false),
        (split, &[(Failed, 1), (TimedOut, 1)], true),
        (split, &[(Failed, 1), (Connected, 1), (Failed, 1)], false),
        (split, &[(Failed, 1), (Response(200), 1), (Failed, 1)], true),
        (split, &[(Response(500), 4), (Connected, 1), (Response(500), 1)], true),
        (r#""max_ejection_percent": 0"#, &[(Response(500), 5)], false),
        (r#""max_ejection_percent": 0, "always_eject_one_host": true"#, &[(Response(500), 5)], true),
    ];
    for (settings, outcomes, ejected) in cases {
        let mut world = World::new(2, settings);
        for (outcome, times) in *outcomes {
            world.see(1, *outcome, *times);
        }
        let wanted: &[usize] = if *ejected { &[1] } else { &[] };
        assert_eq!(world.out(), wanted, "{settings} {outcomes:?}");
    }
}

#[test]
fn an_ejection_is_counted_and_grows_longer() {
    let mut world = World::new(4, r#""interval": "10s", "base_ejection_time": "30s", "max_ejection_time": "70s""#);
    let rule = Rule::Consecutive5xx;
    // 30 s, then 60 s, then no more than 70 s, each ended by the tick that follows.
    for ticks in [3, 6, 7, 7] {
        let events = world.see(2, Response(500), 5);
        // The gateway rule is not met by 500.
        assert_eq!(events, [Event::Detected(rule), Event::Ejected(rule)]);
        assert_eq!(world.see(2, Response(500), 5), []);
        for _ in 1..ticks {
            assert_eq!(world.pass(10), []);
        }
        assert_eq!(world.out(), [2]);
        assert_eq!(world.pass(10), [Event::Returned]);
        assert_eq!(world.out(), [0_usize; 0]);
    }
}

#[test]
fn good_intervals_make_ejections_short_again() {
    let mut world = World::new(4, r#""interval": "10s", "base_ejection_time": "30s""#);
    for _ in 0..2 {
        world.see(0, Response(500), 5);
        while !world.out().is_empty() {
            world.pass(10);
        }
    }
    world.pass(10);
    world.pass(10);
    world.see(0, Response(500), 5);
    world.pass(20);
    assert_eq!(world.out(), [0]);
    world.pass(10);
    assert_eq!(world.out(), [0_usize; 0]);
}

#[test]
fn no_more_than_the_share_is_out() {
    let mut world = World::new(10, r#""max_ejection_percent": 25"#);
    for host in 0..3 {
        world.see(host, Response(500), 5);
    }
    // 0 %, 10 % and 20 % were out before each.
    assert_eq!(world.out(), [0, 1, 2]);
    let rule = Rule::Consecutive5xx;
    assert_eq!(world.see(3, Response(500), 5), [Event::Detected(rule), Event::Overflow]);
    // It is counted anew after that.
    assert_eq!(world.see(3, Response(500), 4), []);
    assert_eq!(world.detector.set_hosts((1..10).map(address)), [Event::Returned]);
    assert_eq!(world.out(), [1, 2]);
    assert_eq!(world.see(3, Response(500), 1), [Event::Detected(rule), Event::Ejected(rule)]);
    assert_eq!(world.see(0, Response(500), 5), []);
}

#[test]
fn endpoints_that_are_worse_than_the_others_are_ejected() {
    let cases = [
        // Of six hosts the last fails half of its requests.
        ("", 100, 50, Some(Rule::SuccessRate)),
        ("", 100, 0, None),
        ("", 99, 50, None),
        (r#""success_rate_minimum_hosts": 7"#, 100, 50, None),
        (r#""success_rate_stdev_factor": 3000"#, 100, 50, None),
        (
            r#""enforcing_success_rate": 0, "enforcing_failure_percentage": 100, "failure_percentage_threshold": 50"#,
            50,
            25,
            Some(Rule::FailurePercentage),
        ),
        (r#""enforcing_success_rate": 0, "enforcing_failure_percentage": 100"#, 50, 25, None),
    ];
    for (settings, requests, bad, wanted) in cases {
        let mut world = World::new(
            6,
            &format!(r#""max_ejection_percent": 50{}{settings}"#, if settings.is_empty() { "" } else { "," }),
        );
        for host in 0..6 {
            let failures = if host == 5 { bad } else { 0 };
            for request in 0..requests {
                world.see(host, Response(if request % 2 == 1 && request / 2 < failures { 500 } else { 200 }), 1);
            }
        }
        let events = world.pass(10);
        assert_eq!(
            events.contains(&wanted.map_or(Event::Overflow, Event::Ejected)),
            wanted.is_some(),
            "{settings}: {events:?}"
        );
        assert_eq!(world.out(), wanted.map_or(vec![], |_| vec![5]), "{settings}");
    }
}

#[test]
fn random_numbers_decide_where_a_rule_is_enforced_in_part() {
    let mut world = World::new(2, r#""enforcing_consecutive_5xx": 30"#);
    let rule = Rule::Consecutive5xx;
    for (random, ejected) in [(30, false), (99, false), (29, true)] {
        let events = world.detector.met(address(0), rule, world.now, &mut || random);
        assert_eq!(events.contains(&Event::Ejected(rule)), ejected, "{random}");
    }
}

#[test]
fn a_grpc_status_in_the_head_counts() {
    for (content_type, grpc_status, wanted) in
        [("application/grpc", "14", 503), ("application/grpc", "0", 200), ("text/plain", "14", 200)]
    {
        let mut request = Headers::default();
        request.append("content-type", content_type);
        let mut response = ResponseHead::new(200);
        response.headers.append("grpc-status", grpc_status);
        assert_eq!(Outcome::of(&request, &response), Response(wanted), "{content_type} {grpc_status}");
    }
}
