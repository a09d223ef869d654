// Edits PolicyOverrides, the changes to the project's policy that a call may bring along.

import { el } from "./dom.js";

/** One set of overrides, headed by `name`. */
export class OverridesEditor {
  constructor(name) {
    this.prefix = name.toLowerCase().replace(/[^a-z]+/g, "-");
    this.rows = new Map();
    this.list = el("div", { className: "rows" });
    this.picker = el("select", { id: `${this.prefix}-add` });
    this.incomplete = el(
      "select",
      { id: `${this.prefix}-incomplete` },
      [["", "policy’s own"], ["ACTION_ALLOW", "allow"], ["ACTION_REVIEW", "review at least"], ["ACTION_BLOCK", "block"]]
        .map(([value, label]) => el("option", { value }, label)),
    );
    this.legend = el("legend", {}, name);
    this.element = el(
      "fieldset",
      { className: "overrides" },
      this.legend,
      this.list,
      el("div", { className: "field" }, el("label", { htmlFor: this.picker.id }, "Change a category"), this.picker),
      el("div", { className: "field" }, el("label", { htmlFor: this.incomplete.id }, "If a required check did not run"), this.incomplete),
    );
    this.picker.addEventListener("change", () => this.picked());
    this.offer([]);
  }

  /** Head the set otherwise. */
  rename(name) {
    this.legend.textContent = name;
  }

  /** Take the catalogue's categories to choose from. */
  offer(categories) {
    this.categories = new Map(categories.map((category) => [category.id, category]));
    this.picker.replaceChildren(
      el("option", { value: "" }, categories.length ? "choose…" : "the catalogue is not loaded"),
      ...categories
        .filter(({ id }) => !this.rows.has(id))
        .map(({ id, name, coverageStatus }) =>
          el("option", { value: id }, `${id} ${name}${coverageStatus === "COVERAGE_STATUS_NONE" ? " (not checked here)" : ""}`)),
    );
    this.picker.disabled = categories.length === 0;
  }

  picked() {
    const id = this.picker.value;
    if (id) this.add(id).focus();
  }

  /** Add a category's row; return its first control. */
  add(id) {
    const name = this.categories.get(id)?.name ?? "";
    const chosen = (label, yes, no) => this.labelled(id, label, el("select", {},
      [["", "policy’s own"], ["true", yes], ["false", no]].map(([value, text]) => el("option", { value }, text))));
    const typed = (label) => this.labelled(id, label,
      el("input", { type: "text", inputMode: "decimal", autocomplete: "off", placeholder: "policy’s own" }));
    const fields = {
      review: typed("Review from"), block: typed("Block from"),
      enabled: chosen("May act", "yes", "never"), required: chosen("Must be checked", "yes", "no"),
    };
    const row = Object.fromEntries(Object.entries(fields).map(([setting, { control }]) => [setting, control]));
    const remove = el("button", { type: "button", className: "quiet", "aria-label": `Remove ${id} ${name}` }, "×");
    const element = el(
      "div",
      { className: "row", role: "group", "aria-label": `${id} ${name}` },
      el("strong", {}, `${id} ${name}`), remove, Object.values(fields).map(({ field }) => field),
    );
    remove.addEventListener("click", () => {
      element.remove();
      this.rows.delete(id);
      this.offer([...this.categories.values()]);
      this.picker.focus();
    });
    this.rows.set(id, row);
    this.list.append(element);
    this.offer([...this.categories.values()]);
    return row.review;
  }

  labelled(id, label, control) {
    control.id = `${this.prefix}-${id}-${label.toLowerCase().replaceAll(" ", "-")}`;
    return { control, field: el("div", { className: "field" }, el("label", { htmlFor: control.id }, label), control) };
  }

  /** Return the PolicyOverrides, or null where nothing changes. What is no number goes as typed. */
  value() {
    const categories = {};
    for (const [id, row] of this.rows) {
      const changes = {};
      for (const name of ["enabled", "required"]) if (row[name].value) changes[name] = row[name].value === "true";
      for (const name of ["review", "block"]) {
        const typed = row[name].value.trim();
        if (typed) changes[name] = Number.isFinite(Number(typed)) ? Number(typed) : typed;
      }
      if (Object.keys(changes).length) categories[id] = changes;
    }
    const overrides = {};
    if (Object.keys(categories).length) overrides.categories = categories;
    if (this.incomplete.value) overrides.onIncomplete = this.incomplete.value;
    return Object.keys(overrides).length ? overrides : null;
  }

  /** Return the control that a field of the contract is filled in with, if it is one of these. */
  control(field) {
    const [, id, setting] = /categories(?:\[["']?|\.)([A-Z][0-9]{1,2})["']?\]?\.?(\w*)/.exec(field) ?? [];
    if (id) return this.rows.get(id)?.[setting] ?? this.rows.get(id)?.review;
    return field.includes("on_incomplete") ? this.incomplete : undefined;
  }
}
