use super::*;

#[test]
fn paths_are_told_apart() {
    let codes = |codes: &[u16]| Ask::Status(codes.iter().map(|code| StatusCode::from_u16(*code).unwrap()).collect());
    let cases = [
        ("/status/200", codes(&[200])),
        ("/status/200,503", codes(&[200, 503])),
        ("/delay/0.5", Ask::Delay(Duration::from_millis(500))),
        ("/delay/1e9", Ask::Delay(MAX_DELAY)),
        ("/delay/inf", Ask::Delay(MAX_DELAY)),
        ("/bytes/0", Ask::Bytes(0)),
        ("/bytes/104857600", Ask::Bytes(MAX_BYTES)),
        ("/stream/3", Ask::Lines(3)),
        ("/headers", Ask::Headers),
        ("/anything", Ask::Anything),
        ("/anything/at/all", Ask::Anything),
        ("/get", Ask::Anything),
        ("/healthz/ready", Ask::Healthz),
        ("/", Ask::Other),
        ("", Ask::Other),
        ("*", Ask::Other),
        ("/headers/x", Ask::Other),
        ("//status/200", Ask::Other),
    ];
    for (path, want) in cases {
        assert_eq!(Ask::decode(path), want, "{path}");
    }
}

#[test]
fn senseless_numbers_are_refused() {
    let cases = [
        "/status/",
        "/status/99",
        "/status/100",
        "/status/600",
        "/status/-1",
        "/status/200,",
        "/status/x",
        "/delay/-1",
        "/delay/NaN",
        "/delay/",
        "/bytes/-1",
        "/bytes/104857601",
        "/bytes/99999999999999999999",
        "/stream/100001",
        "/stream/1.5",
    ];
    for path in cases {
        assert!(matches!(Ask::decode(path), Ask::Bad(_)), "{path}");
    }
}
