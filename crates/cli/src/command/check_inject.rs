//! `lateen x check-inject`: whether a pod gets a proxy, and why or why not.

mod files;
mod live;
mod report;
mod subject;

use crate::command::cluster::{ClusterArgs, block_on};
use anyhow::{Context as _, bail};
use lateen_inject::{Answer, Injector, Pod, Settings, WebhookVerdict, answer, check_webhooks};
use lateen_sources::cluster::InjectorConfigMaps;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use subject::{Namespace, Subject, Wanted, place_of};

/// Say whether a pod gets a proxy, and why or why not.
///
/// Every injection webhook is held against the labels of the namespace and of the pod, and the pod against the
/// configuration of the injector. A workload is asked about by the pods that it will make next.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    lateen x check-inject details-v1-fcff6c49c-kqnfk.test         a pod of namespace test\n  \
    lateen x check-inject deployment/details-v1 -n test           the pods that a Deployment will make\n  \
    lateen x check-inject -n test -l app=helloworld,version=v1    a pod with these labels\n  \
    lateen x check-inject -f ./folder                             every workload of a folder, without a cluster\n  \
    lateen x check-inject -f ./folder deployment/details-v1 -o json")]
pub struct Args {
    /// What to ask about: a pod, or pod, deployment, replicaset, statefulset, daemonset, job, cronjob,
    /// replicationcontroller or service and a name.
    #[arg(value_name = "[TYPE/]NAME[.NAMESPACE]")]
    name: Option<String>,
    /// Files or folders of YAML in place of a cluster; - for standard input.
    #[arg(long = "filename", short = 'f', value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Labels of a pod that is not there yet.
    #[arg(long, short = 'l', value_name = "KEY=VALUE,...", conflicts_with = "name")]
    labels: Option<String>,
    /// Namespace.
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,
    /// How to print.
    #[arg(long, short, value_enum, default_value = "table")]
    output: Output,
    #[command(flatten)]
    cluster: ClusterArgs,
}

/// Annotation that says what was injected.
const STATUS: &str = "sidecar.istio.io/status";

/// What is said where a configuration of an injector cannot be read.
const ASSUMED: &str = "the injector is assumed to inject what it gets";

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Table,
    Json,
}

/// What is asked.
pub struct Question {
    wanted: Option<Wanted>,
    labels: Option<Labels>,
    namespace: Option<String>,
}

impl Question {
    fn read(args: &Args) -> anyhow::Result<Self> {
        Ok(Self {
            wanted: args.name.as_deref().map(Wanted::read).transpose()?,
            labels: args.labels.as_deref().map(Labels::read).transpose()?,
            namespace: args.namespace.clone(),
        })
    }

    fn namespace_or(&self, default: &str) -> String {
        self.namespace.as_deref().unwrap_or(default).to_owned()
    }
}

/// Labels of a pod that is not there yet.
struct Labels {
    text: String,
    pairs: BTreeMap<String, String>,
}

impl Labels {
    fn read(text: &str) -> anyhow::Result<Self> {
        let mut pairs = BTreeMap::new();
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let pair = pair.split_once('=').filter(|(key, _)| !key.is_empty() && !key.ends_with('!'));
            let (key, value) = pair.with_context(|| format!("-l {text:?}: write labels as KEY=VALUE,KEY=VALUE"))?;
            pairs.insert(key.trim().to_owned(), value.trim_start_matches('=').trim().to_owned());
        }
        if pairs.is_empty() {
            bail!("-l has no labels; write them as KEY=VALUE,KEY=VALUE");
        }
        Ok(Self { text: text.to_owned(), pairs })
    }

    fn subject(&self, namespace: &str) -> Subject {
        Subject {
            kind: String::new(),
            namespace: namespace.to_owned(),
            name: self.text.clone(),
            pod: Pod::from_json(json!({ "metadata": { "labels": self.pairs } })),
            runs: false,
            written: None,
        }
    }
}

/// Everything that an answer needs.
#[derive(Default)]
pub struct Gathered {
    subjects: Vec<Subject>,
    namespaces: BTreeMap<String, Namespace>,
    /// MutatingWebhookConfigurations.
    webhooks: Vec<Json>,
    /// The injector's configurations by the name of their ConfigMap, each with its place.
    configs: BTreeMap<String, (String, String)>,
    /// What was assumed.
    notes: Vec<String>,
}

/// The answer about one subject.
struct Checked<'a> {
    subject: &'a Subject,
    webhooks: Vec<WebhookVerdict>,
    answer: Answer,
    /// Where the fields stand that decided.
    places: Vec<String>,
    /// What the injector passed over.
    warnings: Vec<String>,
    /// Whether a pod that runs has a proxy.
    has_proxy: Option<bool>,
}

pub fn execute(args: Args) -> anyhow::Result<ExitCode> {
    let question = Question::read(&args)?;
    if args.paths.is_empty() && question.wanted.is_none() && question.labels.is_none() {
        bail!("say what to ask about: [TYPE/]NAME, or labels with -l, or files with -f");
    }
    let gathered = if args.paths.is_empty() {
        block_on(live::gather(&args.cluster, &question))?
    } else {
        files::gather(&args.paths, &question)?
    };
    let (injectors, notes) = Injectors::read(&gathered.configs)?;
    let notes: Vec<_> = gathered.notes.iter().chain(&notes).collect();
    for note in &notes {
        eprintln!("note: {note}");
    }
    let checked: Vec<_> = gathered.subjects.iter().map(|subject| check(&gathered, &injectors, subject)).collect();
    let mut out = std::io::stdout().lock();
    match args.output {
        Output::Table => write!(out, "{}", report::text(&checked))?,
        Output::Json => writeln!(out, "{:#}", report::json(&checked, &notes))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The injectors that webhooks ask.
struct Injectors {
    /// By the name of their ConfigMap.
    configured: BTreeMap<String, Injector>,
    /// One that nobody configured.
    default: Injector,
}

impl Injectors {
    /// Reads the configurations; gives notes about those that cannot be used.
    fn read(configs: &BTreeMap<String, (String, String)>) -> anyhow::Result<(Self, Vec<String>)> {
        let (default, _) = Injector::new(Settings::default())?;
        let mut configured = BTreeMap::new();
        let mut notes = Vec::new();
        for (name, config) in configs {
            match Injector::new(Settings { config: Some(config.clone()), ..Settings::default() }) {
                Ok((injector, _)) => drop(configured.insert(name.clone(), injector)),
                Err(error) => notes.push(format!("{error}; {ASSUMED}")),
            }
        }
        Ok((Self { configured, default }, notes))
    }

    /// The one of a revision.
    fn of(&self, revision: &str) -> &Injector {
        self.configured.get(&InjectorConfigMaps::of_revision("", revision).injector).unwrap_or(&self.default)
    }
}

fn check<'a>(gathered: &Gathered, injectors: &Injectors, subject: &'a Subject) -> Checked<'a> {
    let namespace = gathered.namespaces.get(&subject.namespace).cloned().unwrap_or_default();
    let webhooks = check_webhooks(&gathered.webhooks, &namespace.labels, &subject.pod);
    let asked = webhooks.iter().find(|webhook| webhook.injected).or(webhooks.first());
    let injector = injectors.of(asked.map_or("", |webhook| &webhook.revision));
    let decision = injector.decide(&subject.pod, &subject.namespace);
    let answer = answer(&webhooks, &decision);
    let places = answer.fields.iter().filter_map(|field| place_of(field, subject, &namespace)).collect();
    let has_proxy = subject.runs.then(|| subject.pod.annotation(STATUS).is_some());
    Checked { subject, webhooks, answer, places, warnings: decision.warnings, has_proxy }
}
