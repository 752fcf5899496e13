//! What `check-inject` asks about, read from files.

use crate::command::check_inject::subject::{Namespace, Subject, Wanted, Written};
use crate::command::check_inject::{Gathered, Question};
use crate::print;
use anyhow::bail;
use lateen_config::json_documents;
use lateen_inject::{default_webhooks, pod_of};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Lists within lists.
const DEEPEST_LIST: usize = 4;

pub fn gather(paths: &[PathBuf], question: &Question) -> anyhow::Result<Gathered> {
    let mut gathered = Gathered::default();
    for (file, text) in read(paths)? {
        let file: Rc<str> = file.into();
        for document in json_documents(&file, &text) {
            print::findings(document.error.as_slice());
            let document = Rc::new(document);
            let written = Written { file: file.clone(), document: document.clone(), within: Vec::new() };
            if let Some(value) = &document.value {
                take(value, &written, question, &mut gathered);
            }
        }
    }
    choose(question, &mut gathered)?;
    assume(&mut gathered);
    Ok(gathered)
}

/// The files and their texts.
fn read(paths: &[PathBuf]) -> anyhow::Result<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().lock().read_to_string(&mut text)?;
            texts.push(("<stdin>".to_owned(), text));
            continue;
        }
        for file in &lateen_sources::load(std::slice::from_ref(path))?.files {
            match (&file.error, std::fs::read_to_string(&*file.name)) {
                (None, Ok(text)) => texts.push((file.name.to_string(), text)),
                (Some(error), _) => eprintln!("warning: {}: {error}", file.name),
                (None, Err(error)) => eprintln!("warning: {}: {error}", file.name),
            }
        }
    }
    Ok(texts)
}

/// Takes an object, or the items of a list.
fn take(object: &Json, written: &Written, question: &Question, gathered: &mut Gathered) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (kind, name, namespace) = (text("/kind"), text("/metadata/name"), text("/metadata/namespace"));
    if kind == "List" && written.within.len() < 2 * DEEPEST_LIST {
        for (index, item) in object["items"].as_array().into_iter().flatten().enumerate() {
            let mut written = written.clone();
            written.within.extend(["items".to_owned(), index.to_string()]);
            take(item, &written, question, gathered);
        }
        return;
    }
    let namespace = if namespace.is_empty() { question.namespace_or("default") } else { namespace };
    match kind.as_str() {
        "MutatingWebhookConfiguration" => gathered.webhooks.push(object.clone()),
        "Namespace" => {
            let labels = Namespace::of(&name, object, Some(written.clone()));
            gathered.namespaces.entry(name).or_insert(labels);
        }
        "ConfigMap" => {
            if let Some(config) =
                object["data"]["config"].as_str().filter(|_| name.starts_with("istio-sidecar-injector"))
            {
                gathered.configs.entry(name).or_insert((written.place(), config.to_owned()));
            }
        }
        _ => {
            let pod = pod_of(object);
            gathered.subjects.extend(pod.map(|pod| Subject {
                kind,
                namespace,
                name,
                pod,
                runs: false,
                written: Some(written.clone()),
            }));
        }
    }
}

/// Leaves the subjects that are asked about.
fn choose(question: &Question, gathered: &mut Gathered) -> anyhow::Result<()> {
    if let Some(pod) = &question.labels {
        gathered.subjects = vec![pod.subject(&question.namespace_or("default"))];
        return Ok(());
    }
    let there: Vec<_> = gathered.subjects.iter().map(Subject::shown).collect();
    if let Some(namespace) = &question.namespace {
        gathered.subjects.retain(|subject| subject.namespace == *namespace);
    }
    if let Some(wanted) = &question.wanted {
        let is = |subject: &Subject, wanted: &Wanted, namespace: Option<&str>| {
            wanted.kind.is_none_or(|kind| subject.kind == kind)
                && subject.name == wanted.name
                && namespace.is_none_or(|namespace| subject.namespace == namespace)
        };
        let split = wanted.split();
        gathered.subjects.retain(|subject| {
            is(subject, wanted, None)
                || split.as_ref().is_some_and(|(wanted, namespace)| is(subject, wanted, Some(namespace)))
        });
    }
    if gathered.subjects.is_empty() {
        match there.as_slice() {
            [] => bail!("the files hold no Pod and nothing that makes pods; add one, or ask about labels with -l"),
            there => bail!("nothing in the files has that name and namespace; there is {}", there.join(", ")),
        }
    }
    Ok(())
}

/// Fills in what the files do not say, and tells.
fn assume(gathered: &mut Gathered) {
    if gathered.webhooks.is_empty() {
        gathered.webhooks.push(default_webhooks());
        gathered.notes.push(
            "the files hold no MutatingWebhookConfiguration: that of Istio's default installation is assumed"
                .to_owned(),
        );
    }
    let asked: BTreeSet<_> = gathered.subjects.iter().map(|subject| subject.namespace.clone()).collect();
    for name in asked {
        if !gathered.namespaces.contains_key(&name) {
            gathered.notes.push(format!("the files hold no Namespace {name}: it is assumed to have no labels"));
            gathered.namespaces.insert(name.clone(), Namespace::of(&name, &Json::Null, None));
        }
    }
}
