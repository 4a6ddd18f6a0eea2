// HTTP for a plugin that asked for it. Imported before the plugin.

import { send } from "wasmill:plugin/http@0.1.0";
import { fetch, Headers, Response, setSend } from "../http.js";

setSend(send);
Object.assign(globalThis, { fetch, Headers, Response });
