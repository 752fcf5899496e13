//! Output that knows which line of which template wrote it, and functions that change between executions.
//! In: templates and data. Out: lines of templates; text of the function that counts.
//! Never here: whether the text is Go's.

#![allow(clippy::unwrap_used)]

use lateen_gotemplate::{Engine, Function, Template, Value};

/// What stands at the start of each line of the output is the line of the template that should have written it.
#[test]
fn each_line_knows_its_place() {
    let texts = [
        "1\n2\n3\n",
        "1{{ . }}\n2\n",
        "1\n{{/* two */ -}}\n3 text\n{{ 4 }}",
        "1\n{{- range until 3 }}\n3 {{ . }}\n  \t{{- if eq . 1 }}\n5 {{ . }}\n{{- else }}{{ \"\\n\" }}{{ print 6 }}{{ end }}\n{{- end }}\n8",
        "{{ printf \"1\\n1\\n\" }}1",
        "{{ \"\" }}{{ print 1 }} and {{ print 9 }}\n\n3",
        "{{\n  print 2\n}}\n4",
        "{{ define \"part\" }}\n\n3 in a part\n{{- end }}\n   {{ template \"part\" . }}\n6",
        "1{{ with 7 }}\n\t2{{ template \"none\" }}{{ end }}\n3{{ define \"none\" }}{{ end }}",
        "{{ `1` }} raw\n{{ `\n` }}3\n4\r\n5",
    ];
    let engine = Engine::new().with_sprig();
    for text in texts {
        let template = Template::parse("sidecar", text, &engine).unwrap();
        let rendered = template.execute_with_lines(&Value::Nil).unwrap();
        assert_eq!(rendered.text, template.execute(&Value::Nil).unwrap());
        for (i, line) in rendered.text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (file, place) = rendered.origin(i + 1).unwrap();
            assert_eq!(file, "sidecar");
            assert!(
                line.trim_start().starts_with(&place.to_string()),
                "{text:?}: {line:?} is said to come from {place}"
            );
        }
        assert_eq!(rendered.origin(0), None);
        assert_eq!(rendered.origin(rendered.text.lines().count() + 1), None, "{text:?}");
    }
}

#[test]
fn lines_name_the_text_that_they_stand_in() {
    let mut template = Template::parse("main", "a\n{{ template \"part\" }}\nb", &Engine::new()).unwrap();
    template.add("file", "\n{{ define \"part\" }}x\n\ny{{ end }}").unwrap();
    let rendered = template.execute_with_lines(&Value::Nil).unwrap();
    let origins: Vec<_> = (1..=5).map(|line| rendered.origin(line)).collect();
    let wanted = [("main", 1), ("file", 2), ("file", 3), ("file", 4), ("main", 3)];
    assert_eq!(origins, wanted.map(Some));
}

#[test]
fn a_rebound_function_is_the_new_one_in_the_new_template_only() {
    let says = |text: &'static str| Function::new(move |_| Ok(text.into()));
    let engine = Engine::new().with("render", says("old")).with("other", says("other"));
    let text = "{{ render . }} {{ other }} {{ . | render | len }} {{ and 0 1 }}{{ template \"t2\" }}";
    let mut first = Template::parse("t", text, &engine).unwrap();
    first.add("more", "{{ define \"t2\" }} {{ render }}{{ end }}").unwrap();
    let second = first.rebind("render", says("newer"));
    let third = second.rebind("render", says("third")).rebind("other", says("o")).rebind("and", says("and"));
    let fourth = third.rebind("unknown", says("x"));
    let run = |template: &Template| template.execute(&Value::Nil).unwrap();
    assert_eq!(run(&first), "old other 3 0 old");
    assert_eq!(run(&second), "newer other 5 0 newer");
    assert_eq!(run(&third), "third o 5 and third");
    assert_eq!(run(&fourth.lookup("t").unwrap()), run(&third));
    let err = fourth.clone().add("x", "{{ unknown }}").unwrap_err();
    assert_eq!(err.to_string(), "template: x:1: function \"unknown\" not defined");
}
