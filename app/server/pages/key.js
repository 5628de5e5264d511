// The API key of this tab. It is kept in sessionStorage only: closing the tab forgets it.

const SLOT = "analytics-gateway-api-key";

export const storedKey = () => sessionStorage.getItem(SLOT) ?? "";

export function storeKey(key) {
  if (key) sessionStorage.setItem(SLOT, key);
  else sessionStorage.removeItem(SLOT);
}

/** Takes over a key given as `#key=…` and removes it from the address bar; says whether there was one. */
export function takeKeyFromAddress() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key")?.trim();
  if (key === undefined) return false;
  history.replaceState(history.state, "", location.pathname + location.search);
  storeKey(key);
  return true;
}

takeKeyFromAddress();
