// The page's address names the item that is shown: a reload, a link and going back lead to it.

const NAME = /^projects\/[\w.-]+\/queues\/[\w-]+\/items\/[\w-]+$/;

/** Return the name of the item that the address tells, or "". */
export function told() {
  const name = new URLSearchParams(location.search).get("item") ?? "";
  return NAME.test(name) ? name : "";
}

/** Have the address tell an item, or none for "". */
export function tell(name) {
  if (name !== told()) history.pushState(null, "", name ? `?item=${encodeURIComponent(name)}` : location.pathname);
}
