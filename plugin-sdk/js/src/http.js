// HTTP through named connections, for plugins that were granted one: `wasmill: { "http": true }` in package.json.
//
// A plugin names a connection and a path; the host adds the base URL and the credentials. `Connection` waits for the response by
// itself; `fetch` is what JavaScript is used to, with the connection's name in the place of the host: "http://shop/orders?page=2".

import { decode, encode } from "./bytes.js";
import { Fatal, Retryable } from "./errors.js";

let send = () => {
  throw new Fatal('HTTP was not asked for: package.json needs "wasmill": { "http": true }');
};

/** Sets what sends: `wasmill:plugin/http.send` in a component, something else in tests. */
export function setSend(given) {
  send = given;
}

/** Names are in lower case, and are looked up in any case. */
export class Headers {
  #entries = new Map();

  constructor(init = []) {
    const entries = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
    for (const [name, value] of entries) this.append(name, value);
  }
  get(name) { return this.#entries.get(name.toLowerCase()) ?? null; }
  has(name) { return this.#entries.has(name.toLowerCase()); }
  set(name, value) { this.#entries.set(name.toLowerCase(), String(value)); }
  delete(name) { this.#entries.delete(name.toLowerCase()); }
  append(name, value) {
    const before = this.get(name);
    this.set(name, before === null ? value : `${before}, ${value}`);
  }
  forEach(f) { for (const [name, value] of this) f(value, name, this); }
  keys() { return this.#entries.keys(); }
  values() { return this.#entries.values(); }
  entries() { return this.#entries.entries(); }
  [Symbol.iterator]() { return this.entries(); }
}

function bytesOfBody(body) {
  if (body === undefined || body === null) return new Uint8Array();
  if (typeof body === "string") return encode(body);
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError("a body is a string, an ArrayBuffer or a typed array");
}

function exchange(connection, { method = "GET", path, headers, body }) {
  const request = { method: method.toUpperCase(), path, headers: [...new Headers(headers)], body: bytesOfBody(body) };
  try {
    return send(connection, request);
  } catch (error) {
    switch (error?.payload?.tag) {
      case "not-granted": throw new Fatal(`connection \`${connection}\` is not granted`);
      case "invalid-request": throw new Fatal(error.payload.val);
      case "unreachable": throw new Retryable(error.payload.val);
      case "timed-out": throw new Retryable(`connection \`${connection}\` timed out`);
      case "too-large": throw new Fatal(`the response through connection \`${connection}\` is larger than ${error.payload.val} bytes`);
      default: throw error;
    }
  }
}

/** A response of a Connection, whatever its status. */
export class HttpResponse {
  constructor({ status, headers, body }) {
    this.status = status;
    this.ok = status >= 200 && status <= 299;
    this.headers = new Headers(headers);
    this.body = body;
  }

  text() { return decode(this.body); }
  json() { return JSON.parse(this.text()); }

  /** The response itself when its status is 2xx. Otherwise throws: Retryable for 408, 429 and 5xx, after the seconds of `Retry-After`. */
  successful() {
    if (this.ok) return this;
    const message = `the server answered ${this.status}`;
    if (this.status !== 408 && this.status !== 429 && this.status < 500) throw new Fatal(message);
    const seconds = Number.parseInt(this.headers.get("retry-after") ?? "", 10);
    throw new Retryable(message, { afterMs: seconds >= 0 ? seconds * 1000 : null });
  }
}

/** A connection that the pipeline file declares and grants. */
export class Connection {
  constructor(name) {
    this.name = name;
  }

  /** `path` is relative to the connection's base URL, such as "/orders?page=2". Throws Retryable where the network is at fault. */
  request(method, path, { headers, body } = {}) {
    return new HttpResponse(exchange(this.name, { method, path, headers, body }));
  }

  get(path, options) { return this.request("GET", path, options); }
  post(path, options) { return this.request("POST", path, options); }
  put(path, options) { return this.request("PUT", path, options); }
  delete(path, options) { return this.request("DELETE", path, options); }
}

/** A response of `fetch`. */
export class Response {
  #response;
  bodyUsed = false;

  constructor(response, url) {
    this.#response = response;
    this.url = url;
    this.status = response.status;
    this.ok = response.ok;
    this.statusText = "";
    this.headers = response.headers;
    this.redirected = false;
    this.type = "basic";
  }

  #take(read) {
    return new Promise((resolve) => {
      if (this.bodyUsed) throw new TypeError("the body was read already");
      this.bodyUsed = true;
      resolve(read());
    });
  }
  text() { return this.#take(() => this.#response.text()); }
  json() { return this.#take(() => this.#response.json()); }
  bytes() { return this.#take(() => this.#response.body); }
  arrayBuffer() { return this.#take(() => this.#response.body.slice().buffer); }
}

// Nothing here is `async`: the builder makes other code of that, and only of modules of the plugin.

/** `fetch`, with the name of a connection in the place of the host. Rejects with Retryable where the network is at fault. */
export function fetch(url, { method, headers, body } = {}) {
  return new Promise((resolve) => {
    const parts = /^https?:\/\/([^/?#]+)([^#]*)/.exec(String(url));
    if (parts === null) throw new TypeError(`${JSON.stringify(String(url))} is no URL of the form http://CONNECTION/path`);
    const [, connection, rest] = parts;
    const path = rest.startsWith("/") ? rest : `/${rest}`;
    resolve(new Response(new HttpResponse(exchange(connection, { method, path, headers, body })), String(url)));
  });
}
