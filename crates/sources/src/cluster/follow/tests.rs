//! What an error of a watch means.

use kube::core::Status;
use kube::runtime::watcher::Error;

use super::Trouble;

#[test]
fn what_an_error_means_is_told_by_its_status() {
    let status = |code: u16| Box::new(Status { code, ..Status::default() });
    for (error, trouble) in [
        (Error::InitialListFailed(kube::Error::Api(status(404))), Some(Trouble::Absent)),
        (Error::InitialListFailed(kube::Error::Api(status(403))), Some(Trouble::Refused)),
        (Error::WatchStartFailed(kube::Error::Api(status(401))), Some(Trouble::Refused)),
        (Error::WatchStartFailed(kube::Error::Api(status(500))), Some(Trouble::Lost)),
        (Error::WatchError(status(410)), None),
        (Error::NoResourceVersion, Some(Trouble::Lost)),
    ] {
        assert_eq!(Trouble::of(&error), trouble, "{error}");
    }
}
