use super::Proxies;

#[test]
fn go_would_choose_the_same_proxy() {
    let proxies = |no: &str| Proxies { https: "proxy:3128".into(), http: "http://plain:80".into(), no: no.into() };
    // NO_PROXY, server, proxy
    let cases = [
        ("", "https://10.0.0.1:6443", "http://proxy:3128/"),
        ("", "http://10.0.0.1:8080", "http://plain:80/"),
        ("", "https://127.0.0.1:6443", ""),
        ("", "https://[::1]:6443", ""),
        ("", "http://localhost:8080", ""),
        ("*", "https://10.0.0.1", ""),
        ("a, 10.0.0.0/8", "https://10.0.0.1:6443", ""),
        ("10.0.0.2", "https://10.0.0.1:6443", "http://proxy:3128/"),
        ("10.0.0.1:6443", "https://10.0.0.1:6443", ""),
        ("10.0.0.1:443", "https://10.0.0.1:6443", "http://proxy:3128/"),
        ("10.0.0.1:443", "https://10.0.0.1", ""),
        ("[fd00::1]:6443", "https://[fd00::1]:6443", ""),
        ("fd00::1", "https://[fd00::1]:6443", ""),
        ("example.com", "https://api.Example.com:6443", ""),
        ("example.com", "https://example.com", ""),
        ("example.com", "https://anexample.com", "http://proxy:3128/"),
        (".example.com", "https://example.com", "http://proxy:3128/"),
        ("*.example.com", "https://api.example.com", ""),
    ];
    for (no, server, expected) in cases {
        let found = proxies(no).of(&server.parse().unwrap()).unwrap();
        assert_eq!(found.map_or(String::new(), |proxy| proxy.to_string()), expected, "NO_PROXY={no} {server}");
    }
    assert_eq!(Proxies::default().of(&"https://10.0.0.1".parse().unwrap()).unwrap(), None);
    let broken = Proxies { https: "http://a b".into(), ..Proxies::default() };
    let error = broken.of(&"https://10.0.0.1".parse().unwrap()).unwrap_err().to_string();
    assert!(error.contains("HTTPS_PROXY") && error.contains("a b"), "{error}");
}
