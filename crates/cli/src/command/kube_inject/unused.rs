//! Flags that scripts give `istioctl kube-inject` and that mean nothing here.
//! In: the command line. Out: a sentence for each flag that is given, or why the command cannot do what it asks for.
//! Never here: flags that have an effect.

use anyhow::bail;

const ASKED: &str = "templates and values are read from files and ConfigMaps, and no control plane is asked";
const NAMED: &str = "the ConfigMaps that --injectConfigMapName and --meshConfigMapName name are read in its place";
const WRITTEN: &str = "as in istioctl; the namespace of a workload is the one in its metadata";
const LOGGED: &str = "there is nothing of Kubernetes' client to log";

/// Flags of istioctl that are taken and passed over.
#[derive(clap::Args)]
pub struct Unused {
    #[arg(long = "webhookConfig", value_name = "NAME", hide = true)]
    webhook_config: Option<String>,
    #[arg(long, short, value_name = "NAME", hide = true)]
    namespace: Option<String>,
    #[arg(long, value_name = "LEVEL", hide = true)]
    vklog: Option<String>,
    #[arg(long = "xds-address", value_name = "ADDRESS", hide = true)]
    xds_address: Option<String>,
    #[arg(long = "xds-label", value_name = "LABEL", hide = true)]
    xds_label: Option<String>,
    #[arg(long = "xds-port", value_name = "PORT", hide = true)]
    xds_port: Option<String>,
    #[arg(long = "cert-dir", value_name = "FOLDER", hide = true)]
    cert_dir: Option<String>,
    #[arg(long, value_name = "NAME", hide = true)]
    authority: Option<String>,
    #[arg(long, value_name = "DURATION", hide = true)]
    timeout: Option<String>,
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide = true)]
    insecure: Option<bool>,
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", hide = true)]
    plaintext: Option<bool>,
    #[arg(long = "emitTemplate", num_args = 0..=1, require_equals = true, default_missing_value = "true", hide = true)]
    emit_template: Option<bool>,
}

impl Unused {
    /// What is given and has no effect, in sentences.
    ///
    /// # Errors
    /// A flag asks for something else than injection.
    pub fn told(&self) -> anyhow::Result<Vec<String>> {
        if self.emit_template == Some(true) {
            bail!(
                "--emitTemplate of Istio 1.7 is not supported: the template of a cluster is key `config` of ConfigMap \
                 istio-sidecar-injector"
            );
        }
        let flags = [
            ("--webhookConfig", self.webhook_config.is_some(), NAMED),
            ("--namespace", self.namespace.is_some(), WRITTEN),
            ("--vklog", self.vklog.is_some(), LOGGED),
            ("--xds-address", self.xds_address.is_some(), ASKED),
            ("--xds-label", self.xds_label.is_some(), ASKED),
            ("--xds-port", self.xds_port.is_some(), ASKED),
            ("--cert-dir", self.cert_dir.is_some(), ASKED),
            ("--authority", self.authority.is_some(), ASKED),
            ("--timeout", self.timeout.is_some(), ASKED),
            ("--insecure", self.insecure.is_some(), ASKED),
            ("--plaintext", self.plaintext.is_some(), ASKED),
        ];
        let given = flags.into_iter().filter(|(_, given, _)| *given);
        Ok(given.map(|(flag, _, why)| format!("{flag} has no effect: {why}")).collect())
    }
}
