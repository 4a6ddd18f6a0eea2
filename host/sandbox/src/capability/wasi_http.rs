//! `wasi:http`: requests of plugins whose libraries know no other HTTP, through the same connections.
//!
//! ```text
//!   handle ──▶ body is collected ──▶ queue of the call ──▶ HttpGrant::send, one at a time ──▶ body as a stream
//! ```
//!
//! The host of a URL is the name of a connection, as in the SDKs: `http://shop/orders?page=2`, or `https`. From there on it is a
//! request like those of `http.send`: nothing here opens a socket, and what `http.send` is refused is refused here.
//!
//! - Bodies are whole before they are sent, and before they are read. They count as memory of the instance until they are
//!   dropped ([`Kept`]). Whatever else a guest can have the host keep is bounded for each handle, and handles are counted.
//! - A guest may have several requests under way. They are sent one after another, in the order in which they were complete:
//!   so a call asks for the same in the same order each time, and can be made once more from a recording.
//! - What a call leaves open is given up when it returns. What a guest drops is not waited for.

use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use http::HeaderName;
use http::request::Parts;
use http_body_util::{BodyExt as _, Full};
use tokio::sync::{mpsc, oneshot};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler::Host as _;
use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest as _, Method};
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, Result, WasiBody, WasiHttpCtx, WasiHttpCtxView,
    WasiHttpHooks, WasiHttpView as _, p2,
};

use crate::capability::http::{HttpError, HttpGrant, HttpRequest, HttpResponse, SendError};
use crate::capability::log::{GuestLog, Level};
use crate::guest::GuestState;
use crate::memory::{Kept, MemoryMeter, Refused};

/// How many handles a guest with connections may hold: fewer than others, because more is behind them.
pub(crate) const MAX_HANDLES: usize = 1_024;
/// The longest method that is none of the usual ones.
const MAX_METHOD_BYTES: usize = 64;
/// The longest host of a URL.
const MAX_AUTHORITY_BYTES: usize = 256;
/// The longest path with its query.
const MAX_PATH_BYTES: usize = 16 << 10;
/// All headers of a request, with their entries in the table.
const MAX_FIELDS_BYTES: usize = 16 << 10;
/// All headers of a response, with their entries in the table.
const MAX_RESPONSE_FIELDS_BYTES: usize = 64 << 10;
/// What an entry of a header takes, beside name and value.
const FIELD_BYTES: usize = 64;
/// What a request takes in the queue, beside its texts: a guest that drops it leaves it there until its turn.
const ORDER_BYTES: usize = 512;
/// How much of a body is taken at a time. Two such pieces wait in each body that nobody collects.
const WRITE_BYTES: usize = 16 << 10;

/// The versions that `wasmtime-wasi-http` links, for guests of all that are compatible.
const TYPES: &str = "wasi:http/types@0.2.12";
const OUTGOING_HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";

/// Adds what a plugin with connections may import of `wasi:http`.
pub(crate) fn add_to_linker(linker: &mut Linker<GuestState>) -> wasmtime::Result<()> {
    type Request = Resource<HostOutgoingRequest>;
    type Store<'a> = StoreContextMut<'a, GuestState>;
    p2::add_only_http_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    // Texts that are kept as they are, of any length.
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: Store<'_>, (request, method): (Request, Method)| {
            if matches!(&method, Method::Other(name) if name.len() > MAX_METHOD_BYTES) {
                return Ok((Err(()),));
            }
            Ok((store.data_mut().http().set_method(request, method)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store: Store<'_>, (request, authority): (Request, Option<String>)| {
            if is_longer(authority.as_ref(), MAX_AUTHORITY_BYTES) {
                return Ok((Err(()),));
            }
            Ok((store.data_mut().http().set_authority(request, authority)?,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-path-with-query",
        |mut store: Store<'_>, (request, path): (Request, Option<String>)| {
            if is_longer(path.as_ref(), MAX_PATH_BYTES) {
                return Ok((Err(()),));
            }
            Ok((store.data_mut().http().set_path_with_query(request, path)?,))
        },
    )?;
    linker.instance(OUTGOING_HANDLER)?.func_wrap(
        "handle",
        |mut store: Store<'_>, (request, options): (Request, Option<Resource<RequestOptions>>)| {
            let mut view = store.data_mut().http();
            // An empty path is one. The crate would warn of it, as often as a guest likes.
            view.table.get_mut(&request)?.path_with_query.get_or_insert_with(|| "/".to_owned());
            // The crate reads options and does not drop them.
            let read = options.as_ref().map(|options| Resource::new_own(options.rep()));
            let handled = view.handle(request, options);
            if let Some(options) = read {
                view.table.delete::<RequestOptions>(options)?;
            }
            match handled {
                Ok(response) => Ok((Ok(response),)),
                Err(error) => Ok((Err(error.downcast()?),)),
            }
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn is_longer(text: Option<&String>, limit: usize) -> bool {
    text.is_some_and(|text| text.len() > limit)
}

/// What the host holds of `wasi:http` for one instance.
pub(crate) struct WasiHttp {
    context: WasiHttpCtx,
    hooks: Hooks,
}

impl WasiHttp {
    /// A body of a request has at most so many bytes.
    pub(crate) fn new(
        grant: Arc<HttpGrant>,
        memory: MemoryMeter,
        log: GuestLog,
        max_body_bytes: u64,
    ) -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(MAX_FIELDS_BYTES);
        Self { context, hooks: Hooks { grant, memory, log, max_body_bytes, queue: None } }
    }

    pub(crate) fn view<'a>(&'a mut self, table: &'a mut ResourceTable) -> WasiHttpCtxView<'a> {
        WasiHttpCtxView { hooks: &mut self.hooks, table, ctx: &mut self.context }
    }

    /// Gives up what is under way.
    pub(crate) fn end_call(&mut self) {
        self.hooks.queue = None;
    }
}

struct Hooks {
    grant: Arc<HttpGrant>,
    memory: MemoryMeter,
    log: GuestLog,
    max_body_bytes: u64,
    /// Of the call, once it has asked for something.
    queue: Option<Queue>,
}

/// Where requests wait for their turn. Whoever drops it gives them up.
struct Queue {
    orders: mpsc::UnboundedSender<Order>,
    _sender: AbortOnDropJoinHandle<()>,
}

/// A request that is complete.
struct Order {
    connection: String,
    request: HttpRequest,
    kept: Kept,
    answer: oneshot::Sender<Result<(HttpResponse, Kept)>>,
}

impl Hooks {
    fn orders(&mut self) -> mpsc::UnboundedSender<Order> {
        let queue = self.queue.get_or_insert_with(|| {
            let (orders, queued) = mpsc::unbounded_channel();
            let grant = Arc::clone(&self.grant);
            let sender = send_all(queued, grant, self.memory.clone(), self.log.clone());
            Queue { orders, _sender: spawn(sender) }
        });
        queue.orders.clone()
    }
}

type Processed = Box<dyn Future<Output = Result<()>> + Send>;
type Sent = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Processed)>> + Send>;

impl WasiHttpHooks for Hooks {
    /// None: what belongs to the host is for those to say who send, as for `http.send`, and they say why.
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|_: &HeaderName| false)
    }

    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        WRITE_BYTES
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Processed,
    ) -> Sent {
        let (parts, body) = request.into_parts();
        let (connection, request) = match asked(&parts) {
            Ok(asked) => asked,
            Err(error) => return Box::new(ready(Err(error))),
        };
        let mut kept = self.memory.keep();
        if let Err(refused) = kept.grow((ORDER_BYTES + texts(&request)) as u64) {
            return Box::new(ready(Err(no_memory(refused))));
        }
        let orders = self.orders();
        let (answer, answered) = oneshot::channel();
        let order = move |(body, kept)| {
            let request = HttpRequest { body, ..request };
            // Without a queue nobody answers, which says it.
            drop(orders.send(Order { connection, request, kept, answer }));
        };
        let mut body = Box::pin(collect(body, self.max_body_bytes, kept));
        // Most requests are complete by now. Their turn is that of the guest, not that of the tasks that wait for them.
        let pending = match tokio::task::unconstrained(body.as_mut()).now_or_never() {
            Some(Ok(collected)) => {
                order(collected);
                None
            }
            Some(Err(error)) => return Box::new(ready(Err(error))),
            None => Some((body, order)),
        };
        let patience = options.and_then(|options| options.first_byte_timeout);
        Box::new(async move {
            if let Some((body, order)) = pending {
                order(body.await?);
            }
            let answer = match patience {
                Some(patience) => tokio::time::timeout(patience, answered)
                    .await
                    .map_err(|_| Error::ConnectionReadTimeout)?,
                None => answered.await,
            };
            let (response, kept) = answer.unwrap_or(Err(Error::ConnectionTerminated))?;
            Ok((incoming(response, kept)?, Box::new(ready(Ok(()))) as Processed))
        })
    }
}

/// The connection that a request names, and the request without its body.
fn asked(parts: &Parts) -> Result<(String, HttpRequest)> {
    let connection = parts.uri.authority().map_or("", |authority| authority.as_str());
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let mut headers = Vec::with_capacity(parts.headers.len());
    for (name, value) in &parts.headers {
        // Clients say how long their body is, and were held to it: it is for the host to say it.
        if name == http::header::CONTENT_LENGTH {
            continue;
        }
        let value = std::str::from_utf8(value.as_bytes())
            .map_err(|_| invalid(format!("the value of `{name}` is not UTF-8")))?;
        headers.push((name.as_str().to_owned(), value.to_owned()));
    }
    let method = parts.method.as_str().to_owned();
    Ok((connection.to_owned(), HttpRequest { method, path, headers, body: Vec::new() }))
}

/// How many bytes path and headers have.
fn texts(request: &HttpRequest) -> usize {
    let headers =
        request.headers.iter().map(|(name, value)| name.len() + value.len() + FIELD_BYTES);
    request.path.len() + headers.sum::<usize>()
}

/// The whole body of a request.
async fn collect(mut body: WasiBody, limit: u64, mut kept: Kept) -> Result<(Vec<u8>, Kept)> {
    let mut collected = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else {
            return Err(invalid("a request has no trailers here".to_owned()));
        };
        if (collected.len() + piece.len()) as u64 > limit {
            return Err(Error::HttpRequestBodySize(Some(limit)));
        }
        kept.grow(piece.len() as u64).map_err(no_memory)?;
        collected.extend_from_slice(&piece);
    }
    Ok((collected, kept))
}

/// Sends requests, one after another.
async fn send_all(
    mut orders: mpsc::UnboundedReceiver<Order>,
    grant: Arc<HttpGrant>,
    memory: MemoryMeter,
    log: GuestLog,
) {
    while let Some(order) = orders.recv().await {
        let Order { connection, request, kept, mut answer } = order;
        let sent = tokio::select! {
            biased;
            () = answer.closed() => continue,
            sent = grant.send(&connection, request) => sent,
        };
        let answered = match sent {
            Ok(response) => {
                let mut kept = memory.keep();
                let grown = kept.grow(response.body.len() as u64);
                grown.map(|()| (response, kept)).map_err(no_memory)
            }
            Err(error) => Err(code(error, &connection, &log)),
        };
        drop(kept);
        // Nobody may wait for it any more.
        drop(answer.send(answered));
    }
}

/// As a guest sees it. Most codes have no text, so what they do not say is in the plugin's log.
fn code(error: SendError, connection: &str, log: &GuestLog) -> Error {
    let say = |message: String| log.line(Level::Warn, "wasi:http".to_owned(), message);
    match error {
        SendError::NotGranted => {
            say(format!("connection `{connection}` is not granted"));
            Error::HttpRequestDenied
        }
        SendError::Failed(HttpError::InvalidRequest(message)) => invalid(message),
        SendError::Failed(HttpError::Unreachable(message)) => {
            say(format!("connection `{connection}`: {message}"));
            Error::DestinationUnavailable
        }
        SendError::Failed(HttpError::TimedOut) => Error::HttpResponseTimeout,
        SendError::Failed(HttpError::TooLarge(limit)) => Error::HttpResponseBodySize(Some(limit)),
    }
}

/// No code says what is wrong with a request.
fn invalid(message: String) -> Error {
    Error::InternalError(Some(HttpError::InvalidRequest(message).to_string()))
}

/// The call ends by the refusal itself, and the guest with it.
fn no_memory(Refused: Refused) -> Error {
    Error::InternalError(None)
}

/// A body of a response, for as long as somebody can read it.
struct KeptBody {
    body: Vec<u8>,
    _kept: Kept,
}

impl AsRef<[u8]> for KeptBody {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// The response as `wasi:http` has it.
fn incoming(response: HttpResponse, kept: Kept) -> Result<http::Response<WasiBody>> {
    let HttpResponse { status, headers, body } = response;
    let fields = headers.iter().map(|(name, value)| name.len() + value.len() + FIELD_BYTES);
    if fields.sum::<usize>() > MAX_RESPONSE_FIELDS_BYTES {
        let limit = MAX_RESPONSE_FIELDS_BYTES as u32;
        return Err(Error::HttpResponseHeaderSectionSize(Some(limit)));
    }
    let body = Full::new(Bytes::from_owner(KeptBody { body, _kept: kept }));
    let builder = http::Response::builder().status(status);
    headers
        .into_iter()
        .fold(builder, |builder, (name, value)| builder.header(name, value))
        .body(WasiBody::new(body.map_err(Error::from)))
        .map_err(|error| Error::InternalError(Some(format!("the response is invalid: {error}"))))
}
