//! What no template may do: panic, hang, exhaust the stack or memory.
//! In: hostile texts, generated ones, random bytes. Out: an answer in bounded work, each time.
//! Never here: whether the answer is Go's.

use std::fmt::Write;

use lateen_gotemplate::{
    Engine, ExecErrorKind, Function, Limits, Map, MissingKey, Options, Record, Template, Value, WriteError,
};
use proptest::prelude::*;

fn run_with(limits: Limits, text: &str, data: &Value) -> Result<String, String> {
    let options = Options { limits, ..Options::default() };
    let engine = Engine::new().with_sprig().with_options(options);
    let template = Template::parse("t", text, &engine).map_err(|err| err.to_string())?;
    template.execute(data).map_err(|err| err.to_string())
}

fn run(text: &str) -> Result<String, String> {
    run_with(Limits::default(), text, &Value::Nil)
}

#[test]
fn bounds_stop_what_would_not_end() {
    let small = Limits { output_size: 10_000, value_size: 10_000, steps: 100_000, depth: 50, nesting: 20 };
    let cases = [
        (r#"{{define "r"}}{{template "r"}}{{end}}{{template "r"}}"#, "exceeded maximum template depth (50)"),
        ("{{range 1000000000000}}{{end}}", "exceeded maximum number of steps"),
        ("{{range 1000000}}0123456789{{end}}", "exceeded maximum size of output"),
        ("{{repeat 100000 \"x\"}}", "exceeded maximum size of a value"),
        ("{{repeat 9223372036854775807 \"xy\"}}", "exceeded maximum size of a value"),
        ("{{untilStep 0 9223372036854775807 1}}", "exceeded maximum"),
        ("{{$x := \"0123456789\"}}{{range 100}}{{$x = print $x $x}}{{end}}", "exceeded maximum size of a value"),
        ("{{$x := list 1}}{{range 40}}{{$x = list $x $x}}{{end}}{{$x}}", "exceeded maximum"),
        ("{{$x := list 1}}{{range 40}}{{$x = list $x $x}}{{end}}{{toJson $x}}", "exceeded maximum"),
        ("{{$x := list 1}}{{range 40}}{{$x = list $x $x}}{{end}}{{deepEqual $x (deepCopy $x)}}", "exceeded maximum"),
        ("{{printf \"%1000000d\" 1}}", "exceeded maximum size of a value"),
        ("{{printf \"%.1000000f\" 1.0}}", "exceeded maximum size of a value"),
        ("{{indent 9999 \"a\\nb\\nc\"}}", "exceeded maximum size of a value"),
        ("{{$d := dict}}{{$_ := set $d \"me\" $d}}{{$d}}", "would make the map contain itself"),
        ("{{$d := dict}}{{$_ := set $d \"me\" (list (dict \"x\" $d))}}{{$d}}", "would make the map contain itself"),
        (
            "{{$a := dict}}{{$b := dict \"a\" $a}}{{$_ := merge $a (dict \"b\" $b)}}",
            "would make the map contain itself",
        ),
        ("{{((((((((((((((((((((((1))))))))))))))))))))))}}", "nested too deep"),
        ("{{regexReplaceAll \"\" (repeat 5000 \"x\") (repeat 5000 \"y\")}}", "exceeded maximum"),
        // A pattern may be dear to compile; where it cannot be afforded, that is not "no match".
        ("{{regexMatch (repeat 60 \"\\\\pL\") \"x\"}}", "exceeded maximum number of steps"),
        (
            "{{range 200}}{{regexFind (print \"\\\\pL{9,\" (add 9 .) \"}\") \"x\"}}{{end}}",
            "exceeded maximum number of steps",
        ),
        ("{{env \"HOME\"}}", "not available"),
        ("{{now}}", "not available"),
        ("{{uuidv4}}", "not available"),
    ];
    for (text, wanted) in cases {
        match run_with(small, text, &Value::Nil) {
            Err(err) => assert!(err.contains(wanted), "{text}\n  want {wanted}\n  got  {err}"),
            Ok(out) => panic!("{text} gave {} bytes", out.len()),
        }
    }
}

#[test]
fn default_bounds_fit_the_stack_of_a_worker_thread() {
    let limits = Limits::default();
    let nest = |open: &str, close: &str, depth: usize| open.repeat(depth) + "1" + &close.repeat(depth);
    let mut chain = String::from("{{if nil | print | eq \"\"}}");
    for _ in 0..limits.nesting - 2 {
        chain.push_str("{{else if false}}x");
    }
    chain.push_str("{{end}}");
    let texts = [
        "{{".to_owned() + &nest("(", ")", limits.nesting) + "}}",
        nest("{{if true}}", "{{end}}", limits.nesting),
        nest("{{range 1}}", "{{end}}", limits.nesting),
        nest("{{with print 1}}", "{{end}}", limits.nesting),
        chain,
        // The deepest execution: recursion through parentheses inside blocks.
        r#"{{define "r"}}{{if true}}{{with (or (not true) (print (print 1)))}}{{template "r" .}}{{end}}{{end}}{{end}}{{template "r"}}"#.to_owned(),
        r#"{{$x := list}}{{range 100000}}{{$x = list $x}}{{end}}{{print $x}}"#.to_owned(),
        r#"{{$x := list}}{{range 100000}}{{$x = list $x}}{{end}}{{toJson $x}}"#.to_owned(),
        r#"{{$x := dict}}{{range 2000}}{{$x = dict "a" $x}}{{end}}{{deepCopy $x}}"#.to_owned(),
        r#"{{$x := dict}}{{$y := dict}}{{range 2000}}{{$x = dict "a" $x}}{{$y = dict "a" $y}}{{end}}{{merge $x $y}}"#.to_owned(),
    ];
    for text in texts {
        // The thread of a test has 2 MiB of stack, as a worker of tokio has.
        let _ = run(&text);
    }
}

#[test]
fn a_template_is_parsed_once_and_run_by_many_threads() {
    let engine = Engine::new().with_sprig().with_missing_key(MissingKey::Zero);
    let template = Template::parse("t", "{{range .}}{{. | upper}}{{end}}", &engine).unwrap();
    std::thread::scope(|scope| {
        for word in ["a", "b", "c"] {
            let template = &template;
            scope.spawn(move || {
                let data = Value::list([word, word]);
                assert_eq!(template.execute(&data).unwrap(), word.to_uppercase().repeat(2));
            });
        }
    });
}

#[test]
fn templates_of_several_texts_call_one_another() {
    let mut template = Template::parse("main", "{{template \"part\" .}}!", &Engine::new()).unwrap();
    let err = template.execute(&Value::Nil).unwrap_err();
    assert_eq!(
        err.to_string(),
        "template: main:1:11: executing \"main\" at <{{template \"part\" .}}>: template \"part\" not defined"
    );
    template.add("file", "\n{{define \"part\"}}<{{.x.y}}>{{end}}").unwrap();
    assert_eq!(template.names().collect::<Vec<_>>(), ["file", "main", "part"]);
    assert_eq!(template.execute(&Value::map([("x", Value::map([("y", "z")]))])).unwrap(), "<z>!");
    let err = template.execute(&Value::map([("x", "text")])).unwrap_err();
    assert_eq!((err.file.as_str(), err.template.as_str(), err.line, err.column), ("file", "part", 2, 22));
    assert_eq!(template.lookup("part").unwrap().execute(&Value::Nil).unwrap(), "<<no value>>");
}

#[test]
fn errors_say_whose_fault_they_are() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("full"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let engine = Engine::new().with_function("refuse", |_| Err("no".into()));
    let template = Template::parse("t", "{{refuse}}", &engine).unwrap();
    assert_eq!(template.execute(&Value::Nil).unwrap_err().kind, ExecErrorKind::Evaluation);
    let template = Template::parse("t", "{{range 100000000}}{{end}}", &engine).unwrap();
    assert_eq!(template.execute(&Value::Nil).unwrap_err().kind, ExecErrorKind::Limit);
    let template = Template::parse("t", "text", &engine).unwrap();
    assert!(matches!(template.execute_to(&Value::Nil, &mut Full), Err(WriteError::Io(_))));
    let err = Template::parse("t", "a\n  {{ nope }}", &engine).unwrap_err();
    assert_eq!((err.line, err.column), (2, 5));
}

#[test]
fn a_copy_of_the_data_keeps_a_template_from_changing_it() {
    let engine = Engine::new().with_sprig();
    let template = Template::parse("t", "{{$_ := set .m \"k\" \"v\"}}", &engine).unwrap();
    let inner = Map::new(lateen_gotemplate::Elem::Any, []);
    let data = Value::map([("m", Value::Map(inner.clone()))]);
    template.execute(&data.deep_copy()).unwrap();
    assert!(inner.is_empty());
    template.execute(&data).unwrap();
    assert!(inner.contains_key("k"));
}

fn sample() -> Value {
    let record = Record::new("v1.Thing").field("Name", "name", "n").getters().prints_as("thing");
    Value::map([
        ("a", Value::from(1_i64)),
        ("b", Value::from("text é")),
        ("c", Value::list([Value::from(1.5), Value::Nil, Value::from("x")])),
        ("d", Value::map([("k", Value::from(true)), ("a", Value::Nil)])),
        ("e", Value::string_map([("k", "v")])),
        ("f", Value::object(record)),
        ("g", Value::Nil),
        ("h", Function::new(|args| Ok(args.first().cloned().unwrap_or_default())).into()),
    ])
}

/// Tight, so that what runs long ends soon.
const TIGHT: Limits = Limits { output_size: 100_000, value_size: 50_000, steps: 20_000, depth: 60, nesting: 60 };

/// Pieces that texts are made of: all that the lexer knows, and names of functions.
fn piece() -> impl Strategy<Value = String> {
    let names: Vec<String> = Engine::new().with_sprig().function_names().into_iter().map(str::to_owned).collect();
    let words = [
        "{{",
        "}}",
        "{{-",
        "-}}",
        " ",
        "\n",
        "|",
        "(",
        ")",
        ".",
        ".a",
        ".b",
        ".c",
        ".d.k",
        ".f.Name",
        ".g.x",
        "$",
        "$x",
        ":=",
        "=",
        ",",
        "if",
        "else",
        "end",
        "range",
        "with",
        "define",
        "template",
        "block",
        "break",
        "continue",
        "nil",
        "true",
        "\"s\"",
        "`r`",
        "'c'",
        "1",
        "-2",
        "3.5",
        "0x1F",
        "1e9",
        "/*",
        "*/",
        "\"%v %d %[2]*.[1]s\"",
        "text",
        "é",
        "9223372036854775807",
        "-9223372036854775808",
    ];
    prop_oneof![
        5 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        3 => proptest::sample::select(names),
        1 => any::<char>().prop_map(String::from),
    ]
}

/// A value of some kind, as a template writes it.
fn expression() -> impl Strategy<Value = String> {
    let names: Vec<String> = Engine::new().with_sprig().function_names().into_iter().map(str::to_owned).collect();
    let leaf = proptest::sample::select(vec![
        ".",
        ".a",
        ".b",
        ".c",
        ".d",
        ".e",
        ".f",
        ".g",
        ".h",
        "$",
        "$.b",
        "nil",
        "true",
        "0",
        "1",
        "-1",
        "2",
        "5",
        "1.5",
        "1e300",
        "9223372036854775807",
        "-9223372036854775808",
        "\"\"",
        "\"a\"",
        "\"(\"",
        "\"1.2.3\"",
        "\"2006-01-02\"",
        "\"%v%5d%x\"",
        "\"a,b\"",
        "(list 1 \"a\" nil)",
        "(dict \"k\" 1)",
        "'x'",
        "`{\"a\":[1]}`",
        "\"é\"",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 4, move |inner| {
        (proptest::sample::select(names.clone()), proptest::collection::vec(inner, 0..4)).prop_map(|(name, args)| {
            let mut call = format!("({name}");
            for arg in args {
                let _ = write!(call, " {arg}");
            }
            call + ")"
        })
    })
}

fn structure() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        expression().prop_map(|e| format!("{{{{{e}}}}}")),
        expression().prop_map(|e| format!("{{{{- $x = {e} -}}}}")),
        (expression(), expression()).prop_map(|(a, b)| format!("{{{{{a} | print | printf \"%s%v\" {b}}}}}")),
        Just("text \n ".to_owned()),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            (expression(), inner.clone(), inner.clone())
                .prop_map(|(e, a, b)| format!("{{{{if {e}}}}}{a}{{{{else}}}}{b}{{{{end}}}}")),
            (expression(), inner.clone()).prop_map(|(e, a)| format!("{{{{range $i, $e := {e}}}}}{a}{{{{end}}}}")),
            (expression(), inner.clone()).prop_map(|(e, a)| format!("{{{{with {e}}}}}{a}{{{{else}}}}-{{{{end}}}}")),
            (inner.clone(), inner).prop_map(|(a, b)| a + &b),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_text_gets_an_answer(text in any::<String>()) {
        let _ = run_with(TIGHT, &text, &sample());
        let _ = run_with(TIGHT, &format!("{{{{{text}}}}}"), &sample());
    }

    #[test]
    fn random_pieces_get_an_answer(pieces in proptest::collection::vec(piece(), 0..40)) {
        let _ = run_with(TIGHT, &pieces.concat(), &sample());
        let _ = run_with(TIGHT, &format!("{{{{{}}}}}", pieces.join(" ")), &sample());
    }

    #[test]
    fn well_formed_templates_get_an_answer(text in structure()) {
        let text = format!("{{{{$x := 1}}}}{text}");
        let engine = Engine::new().with_sprig();
        prop_assert!(Template::parse("t", &text, &engine).is_ok(), "{text}");
        let _ = run_with(TIGHT, &text, &sample());
    }

    #[test]
    fn every_format_gets_an_answer(format in "[%#0+ \\-]{0,4}[0-9]{0,2}[.*\\[\\]1-3]{0,4}[a-zA-Z%!]{0,2}|\\PC{0,8}") {
        let data = Value::map([("f", Value::from(format!("%{format}"))), ("d", sample())]);
        let text = "{{printf .f .d.a .d.b 2.5}}{{printf .f .d .d.c}}{{printf .f}}";
        // A mistake in a format shows in the text; only a width that is too great stops the run.
        if let Err(err) = run_with(TIGHT, text, &data) {
            prop_assert!(err.contains("exceeded maximum"), "{err}");
        }
    }
}
