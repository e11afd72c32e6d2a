use axum::body::{Body, Bytes};
use futures::{StreamExt as _, stream};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};

/// A request as it reached the relay.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, `/v2/…`.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// An answer, the registry's or one made up by a test.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers. `Content-Length` is computed where it is not there.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// After how many bytes of the body the connection breaks.
    pub cut: Option<usize>,
}

/// What the relay saw of one request, in the order of arrival.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The method.
    pub method: Method,
    /// Path and query, `/v2/…`.
    pub path: String,
    /// The request's headers.
    pub headers: HeaderMap,
    /// What was answered; `None` while nothing was, or if the connection was broken instead.
    pub status: Option<StatusCode>,
}

impl Exchange {
    /// `METHOD /path`, for lists that a test compares.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

impl Reply {
    /// An answer of this status, without a body.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("a status");
        Self { status, headers: HeaderMap::new(), body: Bytes::new(), cut: None }
    }

    /// The same with a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header's value"));
        self
    }

    /// The same with a body.
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// As the server sends it. A body that is to be cut ends in an error, at which the server breaks the connection.
    pub(super) fn into_response(self) -> hyper::Response<Body> {
        let whole = self.body.len();
        let body = match self.cut {
            None => Body::from(self.body),
            Some(length) => {
                let first = self.body.slice(..length.min(whole));
                let rest = async {
                    // What came first is sent while this waits; an error at once would take it along.
                    tokio::task::yield_now().await;
                    Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
                };
                Body::from_stream(stream::once(async { Ok(first) }).chain(stream::once(rest)))
            }
        };
        let mut response = hyper::Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if self.cut.is_some() {
            response.headers_mut().insert(reqwest::header::CONTENT_LENGTH, HeaderValue::from(whole));
        }
        response
    }
}
