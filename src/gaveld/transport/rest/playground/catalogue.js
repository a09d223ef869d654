// Knows the catalogue's categories by id, as the server lists them.

import { call } from "./api.js";

let names = new Map();

/** Load the catalogue, all pages of it. Throws CallError. */
export async function load() {
  const categories = [];
  let token = "";
  do {
    const page = await call("GET", `/v1/categories?pageSize=1000${token ? `&pageToken=${encodeURIComponent(token)}` : ""}`);
    categories.push(...(page.categories ?? []));
    token = page.nextPageToken ?? "";
  } while (token);
  names = new Map(categories.map(({ id, name }) => [id, name]));
  return categories;
}

/** Return a category's id with its name, where that is known. */
export const nameOf = (id) => (names.has(id) ? `${id} ${names.get(id)}` : id);
