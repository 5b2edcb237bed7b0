// Entry of ./coracle: gets the clone ready, then hands over to the command itself.
import { prepare } from "./prepare.mjs";

prepare();
await import(new URL("../packages/cli/dist/main.js", import.meta.url).href);
