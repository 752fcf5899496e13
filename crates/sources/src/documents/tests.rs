use std::path::Path;
use std::sync::Arc;

use lateen_config::decode;

use super::*;

fn entry(namespace: &str, name: &str, hosts: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: {name}, namespace: {namespace}}}\n\
         spec: {{hosts: {hosts}}}\n---\n"
    )
}

/// Files in, generations out.
#[derive(Default)]
struct Desk {
    documents: Documents,
    current: Arc<Generation>,
}

impl Desk {
    fn put(&mut self, file: &str, text: &str) -> bool {
        let document = Document::new(file.into(), 0, crate::read::digest(text), decode(file, text));
        self.documents.apply(Path::new(file), Some(document))
    }

    fn fail(&mut self, file: &str) {
        self.documents.apply(Path::new(file), Some(Document::unreadable(file.into(), 0, "no".into())));
    }

    fn remove(&mut self, file: &str) -> bool {
        self.documents.apply(Path::new(file), None)
    }

    /// `name=first host` of every object, in order.
    fn objects(&mut self) -> Vec<String> {
        self.current = Arc::new(self.documents.generation(&self.current));
        let host = |object: &Object| match &object.spec {
            lateen_config::Spec::ServiceEntry(entry) => entry.hosts[0].to_string(),
            _ => String::new(),
        };
        self.current.objects.iter().map(|object| format!("{}={}", object.meta.name, host(object))).collect()
    }

    fn says(&self, severity: Severity, words: &str) -> bool {
        self.current.findings.iter().any(|finding| finding.severity == severity && finding.message.contains(words))
    }
}

#[test]
fn objects_come_in_the_order_of_files_and_documents() {
    let mut desk = Desk::default();
    desk.put("b.yaml", &entry("x", "three", "[c.example]"));
    desk.put("a.yaml", &(entry("x", "two", "[b.example]") + &entry("x", "one", "[a.example]")));
    assert_eq!(desk.objects(), ["two=b.example", "one=a.example", "three=c.example"]);
    assert_eq!((desk.current.number, desk.current.findings.len()), (1, 0));
}

#[test]
fn the_first_of_two_counts_and_the_other_is_named() {
    let mut desk = Desk::default();
    desk.put("a.yaml", &entry("x", "one", "[a.example]"));
    desk.put("b.yaml", &(entry("x", "one", "[b.example]") + &entry("z", "one", "[c.example]")));
    assert_eq!(desk.objects(), ["one=a.example", "one=c.example"]);
    assert!(desk.says(Severity::Warning, "a second time; the first one counts, at a.yaml"));
    desk.remove("a.yaml");
    assert_eq!(desk.objects(), ["one=b.example", "one=c.example"]);
    assert!(desk.current.findings.is_empty());
}

#[test]
fn an_object_that_became_invalid_keeps_its_last_good_form_while_it_is_named() {
    let mut desk = Desk::default();
    desk.put("a.yaml", &(entry("x", "one", "[a.example]") + &entry("x", "two", "[b.example]")));
    desk.objects();
    desk.put("a.yaml", &(entry("x", "one", "7") + &entry("x", "two", "[c.example]")));
    for _ in 0..2 {
        assert_eq!(desk.objects(), ["one=a.example", "two=c.example"]);
        assert!(desk.says(Severity::Info, "one keeps serving"));
        assert!(desk.current.findings.iter().any(|finding| finding.severity == Severity::Error));
    }
    desk.put("a.yaml", &entry("x", "two", "[c.example]"));
    assert_eq!(desk.objects(), ["two=c.example"]);
    assert!(desk.current.findings.is_empty());
}

#[test]
fn a_file_that_does_not_parse_loses_nothing_that_it_held() {
    let mut desk = Desk::default();
    desk.put("a.yaml", &entry("x", "one", "[a.example]"));
    desk.put("b.yaml", &entry("x", "two", "[b.example]"));
    desk.objects();
    desk.put("a.yaml", "kind: [unfinished");
    desk.fail("b.yaml");
    assert_eq!(desk.objects(), ["one=a.example", "two=b.example"]);
    assert!(desk.says(Severity::Error, "cannot be read: no"));
    desk.remove("a.yaml");
    desk.put("b.yaml", "");
    assert!(desk.objects().is_empty());
}

#[test]
fn an_object_that_never_was_valid_is_not_there() {
    let mut desk = Desk::default();
    desk.put("a.yaml", &(entry("x", "one", "7") + &entry("x", "two", "[b.example]")));
    assert_eq!(desk.objects(), ["two=b.example"]);
}

#[test]
fn the_same_text_is_no_change() {
    let mut desk = Desk::default();
    assert!(desk.put("a.yaml", "a: 1"));
    assert!(!desk.put("a.yaml", "a: 1"));
    assert!(desk.put("a.yaml", "a: 2"));
    assert!(desk.remove("a.yaml"));
    assert!(!desk.remove("a.yaml"));
}
