// The kernels that are inside of the component. Imported before the plugin.

import * as columns from "wasmill:kernels/columns";
import { setNative } from "../kernels.js";

setNative(columns);
