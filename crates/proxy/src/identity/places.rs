//! Where the certificate of the workload may be, in the order in which it is looked for.
//! In: arguments and environment, the file system. Out: a socket or the paths of files.
//! The places and the names are those of Istio's agent.

use std::fmt;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

/// Folder of the socket of an SDS server that others run, such as SPIRE.
const SOCKETS: &str = "/var/run/secrets/workload-spiffe-uds";
/// Name of that socket.
const SOCKET: &str = "socket";
/// Folder of files that somebody keeps fresh for the workload.
const CREDENTIALS: &str = "/var/run/secrets/workload-spiffe-credentials";
/// Folder of a mounted Secret (`mountMtlsCerts`).
const MOUNTED: &str = "/etc/certs";

/// Names of chain, key and roots in such a folder; the second form is that of GKE.
const NAMES: [[&str; 3]; 2] =
    [["cert-chain.pem", "key.pem", "root-cert.pem"], ["certificates.pem", "private_key.pem", "ca_certificates.pem"]];

/// Where the workload's own certificate and the roots of the mesh come from, which `ISTIO_MUTUAL` needs
#[derive(Debug, Clone, Default, clap::Args)]
pub struct IdentityArgs {
    /// Folder with the certificate of the workload: cert-chain.pem, key.pem and root-cert.pem, watched. By default
    /// /var/run/secrets/workload-spiffe-credentials or /etc/certs, where there is one
    #[arg(long, value_name = "DIR", env = "LATEEN_WORKLOAD_CERTIFICATES")]
    pub workload_certificates: Option<PathBuf>,

    /// Unix socket of an SDS server that has the certificate of the workload; it wins over files. A name alone stands
    /// in /var/run/secrets/workload-spiffe-uds, where `socket` is the default. With it no files are looked for, unless
    /// their folder is named too
    #[arg(long, value_name = "SOCKET", env = "WORKLOAD_IDENTITY_SOCKET_FILE")]
    pub workload_identity_socket: Option<PathBuf>,
}

impl IdentityArgs {
    /// The places that the arguments stand for. What is named is all that counts: a workload whose socket is late must
    /// not go by files that happen to be there (Istio's agent does not start then).
    #[must_use]
    pub fn places(&self) -> Places {
        let socket = self.workload_identity_socket.as_ref().map(|socket| Path::new(SOCKETS).join(socket));
        let default = Places::default();
        match (socket, &self.workload_certificates) {
            (socket, None) if socket.is_none() || socket == default.socket => default,
            (socket, folder) => Places { socket, folders: folder.iter().cloned().collect() },
        }
    }
}

/// Where to look for the certificate of the workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// Socket of an SDS server, which wins.
    pub socket: Option<PathBuf>,
    /// Folders of files, the first that is complete counts.
    pub folders: Vec<PathBuf>,
}

impl Default for Places {
    /// Those of Istio's agent.
    fn default() -> Self {
        Self { socket: Some(Path::new(SOCKETS).join(SOCKET)), folders: vec![CREDENTIALS.into(), MOUNTED.into()] }
    }
}

/// Where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Socket(PathBuf),
    Files(Files),
}

/// PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files {
    pub chain: PathBuf,
    pub key: PathBuf,
    pub roots: PathBuf,
}

impl Files {
    fn of(folder: &Path, [chain, key, roots]: [&str; 3]) -> Self {
        Self { chain: folder.join(chain), key: folder.join(key), roots: folder.join(roots) }
    }

    fn are_there(&self) -> bool {
        [&self.chain, &self.key, &self.roots].into_iter().all(|path| path.is_file())
    }
}

impl Places {
    /// The first place that is there.
    pub(super) fn find(&self) -> Option<Place> {
        let is_socket = |path: &&PathBuf| std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket());
        if let Some(path) = self.socket.as_ref().filter(is_socket) {
            return Some(Place::Socket(path.clone()));
        }
        let files = self.folders.iter().flat_map(|folder| NAMES.map(|names| Files::of(folder, names)));
        files.into_iter().find(Files::are_there).map(Place::Files)
    }

    /// What the first folder would have to hold; nothing where only a socket counts.
    pub(super) fn expected(&self) -> Option<Files> {
        let [names, _] = NAMES;
        self.folders.first().map(|folder| Files::of(folder, names))
    }

    /// What to say when nothing is there.
    pub(super) fn missing(&self) -> String {
        let [[chain, key, roots], _] = NAMES;
        let socket = self.socket.as_ref().map(|path| format!("for an SDS server at {}", path.display()));
        let folders: Vec<String> = self.folders.iter().map(|folder| folder.display().to_string()).collect();
        let files =
            (!folders.is_empty()).then(|| format!("for {chain}, {key} and {roots} in {}", folders.join(" and ")));
        let looked: Vec<String> = socket.into_iter().chain(files).collect();
        format!(
            "this workload has no certificate: looked {}; servers with tls mode ISTIO_MUTUAL refuse connections until \
             one is there (--workload-certificates, --workload-identity-socket)",
            looked.join(", ")
        )
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) => write!(f, "from the SDS server at {}", path.display()),
            Self::Files(files) => {
                write!(f, "{}, {}, {}", files.chain.display(), files.key.display(), files.roots.display())
            }
        }
    }
}
