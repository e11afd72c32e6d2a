use jiff::Timestamp;
use jiff::fmt::rfc2822;
use kube::Client;
use kube::client::Body;

use super::StageError;
use crate::cluster::error::Cause;

/// What the API server's clock says, to the second: whoever acts at an absolute time goes by it, wherever they run.
pub async fn server_time(client: &Client) -> Result<Timestamp, StageError> {
    let unclear =
        |why: &str| StageError { what: "reading the API server's time", cause: Cause::Malformed(why.to_owned()) };
    let request = http::Request::get("/version").body(Body::empty()).map_err(|_| unclear("no request"))?;
    let answer = client.send(request).await.map_err(StageError::of("reading the API server's time"))?;
    let date = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
    let date = date.ok_or_else(|| unclear("its answer has no Date"))?;
    rfc2822::DateTimeParser::new().parse_timestamp(date).map_err(|_| unclear("its Date is not understood"))
}
