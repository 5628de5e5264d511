// The page: a bar for the API key, and GraphiQL with its explorer plugin below it.

import { ask, messageOf } from "./gateway.js";
import { storedKey, storeKey, takeKeyFromAddress } from "../key.js";

const { React, ReactDOM, GraphiQL, GraphiQLPluginExplorer } = window;

const TYPING_PAUSE_MS = 400;
const NO_KEY = "No key yet. Make one with `gateway keys create`, then paste it here.";
const NO_SCHEMA = " (this gateway keeps its schema to itself: queries run, without completion or documentation)";

const input = document.getElementById("key");
const showButton = document.getElementById("show");
const forgetButton = document.getElementById("forget");
const status = document.getElementById("status");

const main = document.getElementById("explorer");
const tellsSchema = main.dataset.introspection === "on";
const root = ReactDOM.createRoot(main);
const plugins = [GraphiQLPluginExplorer.explorerPlugin({ showAttribution: false })];
const examples = await (await fetch("/assets/explorer/examples.json")).json();
const defaultTabs = examples.map(({ query, variables }) => ({
  query,
  variables: Object.keys(variables).length ? JSON.stringify(variables, null, 2) : null,
}));

let key = storedKey();
let mounts = 0;
let openPanel = null;

function code(text) {
  const element = document.createElement("code");
  element.textContent = text;
  return element;
}

/** Says `text` in the bar; what stands between backticks is shown as code. */
function say(state, text) {
  status.dataset.state = state;
  status.title = text;
  status.replaceChildren(...text.split("`").map((part, at) => (at % 2 ? code(part) : part)));
}

async function fetcher(request) {
  if (!key) return { errors: [{ message: "No API key: paste one into the field at the top." }] };
  const askedWith = key;
  const { status: answered, result } = await ask(askedWith, request);
  if (answered === 401 && askedWith === key) say("refused", messageOf(result));
  return result;
}

function keepPanel(plugin) {
  openPanel = plugin;
}

/**
 * Starts GraphiQL anew, so that nothing of the former key's answers stays. The tabs stay (it stores them), and the open
 * panel does. With `null` for a schema it asks for none.
 */
function mount({ withSchema }) {
  mounts += 1;
  root.render(
    React.createElement(
      GraphiQL,
      {
        key: mounts,
        fetcher,
        plugins,
        visiblePlugin: openPanel,
        onTogglePluginVisibility: keepPanel,
        defaultTabs,
        schema: withSchema ? undefined : null,
        shouldPersistHeaders: false,
        isHeadersEditorEnabled: false,
      },
      React.createElement(GraphiQL.Logo, null, " "),
    ),
  );
}

/** Takes `key` into use: asks whose it is, says so, and loads the schema unless the gateway refuses it. */
async function begin() {
  const asked = key;
  forgetButton.disabled = !asked;
  if (!asked) {
    say("none", NO_KEY);
    mount({ withSchema: false });
    return;
  }
  say("checking", "Checking the key…");
  const { status: answered, result } = await ask(asked, { query: "{ viewer { organizationId orgName keyId } }" });
  if (asked !== key) return;
  const viewer = result.data?.viewer;
  if (viewer) say("ready", `Organization ${viewer.orgName}${tellsSchema ? "" : NO_SCHEMA}`);
  else say("refused", messageOf(result) ?? "The gateway did not say whose key this is.");
  if (viewer) status.title = `Organization ${viewer.organizationId}, key ${viewer.keyId}`;
  mount({ withSchema: tellsSchema && answered !== 0 && answered !== 401 });
}

function use(changed) {
  if (changed === key) return;
  key = changed;
  storeKey(key);
  begin();
}

let pause;
input.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => use(input.value.trim()), TYPING_PAUSE_MS);
});
input.addEventListener("change", () => use(input.value.trim()));

function show(visible) {
  input.type = visible ? "text" : "password";
  showButton.textContent = visible ? "Hide" : "Show";
  showButton.setAttribute("aria-pressed", String(visible));
}
showButton.addEventListener("click", () => show(input.type === "password"));

forgetButton.addEventListener("click", () => {
  input.value = "";
  show(false);
  use("");
  input.focus();
});

window.addEventListener("hashchange", () => {
  if (!takeKeyFromAddress()) return;
  input.value = storedKey();
  use(input.value);
});

input.value = key;
begin();
