// The table of all shards: search, filter, sort, page, export. Content is only ever set as text.
(() => {
  const columns = JSON.parse(document.getElementById("columns").textContent);
  const table = document.getElementById("table");
  const total = columns.shard.length;
  if (!total) return;
  const PAGE = 50;
  const UNIT = columns.unit;
  const at = (column, i) => (Array.isArray(column) ? column[i] : column.all);
  const WORDS = ["", "inconclusive", "not measured"];

  // The same words as reports/words.py; a test compares them.
  const bare = (whole) => {
    if (whole < 0) { const shown = bare(-whole); return shown.startsWith("<") ? `>\u2212${shown.slice(1)}` : `\u2212${shown.replace(/^>/, "")}`; }
    if (whole === 0) return "0";
    if (whole === UNIT) return "100";
    const shown = ((100 * whole) / UNIT).toFixed(1);
    if (shown === "0.0") return "<0.1";
    return shown === "100.0" && whole < UNIT ? ">99.9" : shown;
  };
  const percent = (whole) => bare(whole).replace("<", "less than ").replace(">", "more than ") + "%";
  const count = (number) => {
    for (const [size, word] of [[1e12, "trillion"], [1e9, "billion"], [1e6, "million"]]) {
      if (number >= 0.9995 * size) {
        const part = number / size;
        return `${part.toLocaleString("en", { maximumFractionDigits: Math.max(0, 2 - Math.floor(Math.log10(part))) })} ${word}`;
      }
    }
    return number.toLocaleString("en");
  };

  const make = (element, text, attributes = {}) => {
    const node = document.createElement(element);
    if (text !== undefined && text !== null) node.textContent = text;
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };
  // What lies below the human reference, in words: 1.2% fewer.
  const moved = (whole, word) => `${percent(Math.abs(whole))} ${whole <= 0 ? word : "more"}`;
  const between = (lower, upper, word) => {
    if (!word) return `${bare(lower)}${lower < 0 ? " to " : "\u2013"}${bare(upper)}`;
    const ends = [Math.abs(lower), Math.abs(upper)].sort((a, b) => a - b);
    return upper <= 0 || lower >= 0 ? `${bare(ends[0])}\u2013${bare(ends[1])}` : `${percent(-lower)} ${word} to ${percent(upper)} more`;
  };
  const estimate = (key, word, saved = (share) => share) => ({
    of: (i) => columns[key][1][i],
    cell: (i) => {
      const [value, lower, upper] = columns[key].map((part) => part[i]);
      const status = at(columns[`${key}_status`], i);
      if (value === null) return make("td", "not measured", { class: "num none" });
      const cell = make("td", word ? moved(value, word) : percent(value), { class: "num" });
      if (lower !== value || upper !== value) {
        cell.append(make("span", `${between(lower, upper, word)}${status === 1 ? " ?" : ""}`, { class: "range" }));
      }
      return cell;
    },
    text: (i) => columns[key].map((part) => (part[i] === null ? "" : saved(part[i] / UNIT))),
  });
  const whole = (key) => ({
    of: (i) => at(columns[key], i),
    cell: (i) => make("td", count(at(columns[key], i)), { class: "num" }),
    text: (i) => [at(columns[key], i)],
  });
  const words = (key, element = "td") => ({
    of: (i) => at(columns[key], i) ?? "",
    cell: (i) => {
      const cell = make(element, undefined, element === "th" ? { scope: "row" } : {});
      cell.append(make("bdi", at(columns[key], i) ?? ""));
      return cell;
    },
    text: (i) => [at(columns[key], i) ?? ""],
  });
  // The last column of figures stands there where the reservoir could be sized.
  const sized = !Array.isArray(columns.needed) || columns.needed.length > 0;
  const fields = [words("shard", "th"), estimate("synthetic"), estimate("duplicate"), estimate("loss", "fewer"), estimate("tail", "less", (change) => 1 + change),
    whole("documents"), whole("tokens"), ...(sized ? [whole("needed")] : []), words("action"), words("flags")];
  const heads = [...table.tHead.rows[0].cells];
  const lowered = columns.shard.map((text, i) => `${text}\n${at(columns.flags, i) ?? ""}`.toLowerCase());

  let order = columns.shard.map((_, i) => i);
  let shown = order;
  let page = 0;
  let sorted = { field: 1, down: true };

  const controls = document.getElementById("controls");
  const labelled = (text, control) => { const label = make("label", text); label.append(control); controls.append(label); return control; };
  const choice = (text, options) => {
    const select = make("select");
    for (const [value, word] of options) select.append(make("option", word, { value }));
    return labelled(text, select);
  };
  const search = labelled("Search shards and flags", make("input", undefined, { type: "search", autocomplete: "off", id: "search" }));
  const threshold = choice("Machine-written, by the whole interval", [["", "any share"], ...[1, 5, 10, 25, 50].map((k) => [(k / 100) * UNIT, `over ${k}%`])]);
  const status = choice("Measurement", [["", "any"], ["0", "measured"], ["1", "inconclusive"], ["2", "not measured"]]);
  const actions = [...new Set(columns.shard.map((_, i) => at(columns.action, i) ?? ""))].filter(Boolean).sort();
  const action = actions.length > 1 ? choice("Action", [["", "any"], ...actions.map((word) => [word, word])]) : null;
  const save = make("button", "Save these rows as CSV", { type: "button" });
  controls.append(save);
  controls.hidden = false;

  const pager = document.getElementById("pager");
  const previous = make("button", "Previous", { type: "button" });
  const next = make("button", "Next", { type: "button" });
  const where = make("span");
  pager.append(previous, where, next);

  const draw = () => {
    const body = document.createDocumentFragment();
    for (const i of shown.slice(page * PAGE, (page + 1) * PAGE)) {
      const row = make("tr");
      for (const field of fields) row.append(field.cell(i));
      body.append(row);
    }
    table.tBodies[0].replaceChildren(body);
    const pages = Math.ceil(shown.length / PAGE);
    pager.hidden = pages < 2;
    previous.disabled = page === 0;
    next.disabled = page >= pages - 1;
    where.textContent = `Page ${page + 1} of ${pages}`;
    const rest = columns.left_out ? ` ${count(columns.left_out)} less affected shards are in report.json only.` : "";
    document.getElementById("shown").textContent = `${shown.length.toLocaleString("en")} of ${total.toLocaleString("en")} ${total === 1 ? "shard" : "shards"}.${rest}`;
  };
  const filter = () => {
    const text = search.value.trim().toLowerCase();
    shown = order.filter((i) =>
      (!text || lowered[i].includes(text)) &&
      (!threshold.value || (columns.synthetic[1][i] ?? -1) > Number(threshold.value)) &&
      (!status.value || at(columns.synthetic_status, i) === Number(status.value)) &&
      (!action?.value || at(columns.action, i) === action.value));
    page = 0;
    draw();
  };
  const sort = () => {
    const keys = order.map(() => null);
    for (const i of order) keys[i] = fields[sorted.field].of(i);
    const turn = sorted.down ? -1 : 1;
    order = columns.shard.map((_, i) => i).sort((a, b) => {
      const [x, y] = [keys[a], keys[b]];
      // What wasn't measured stands last in both directions; ties keep the order of the report, worst first.
      if (x === null || y === null) return x === y ? a - b : x === null ? 1 : -1;
      const by = typeof x === "string" ? x.localeCompare(y, "en", { numeric: true }) : x - y;
      return by ? turn * by : a - b;
    });
    heads.forEach((head, k) => {
      if (k === sorted.field) head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    filter();
  };
  heads.forEach((head, k) => {
    const button = make("button", head.textContent, { type: "button" });
    button.addEventListener("click", () => {
      sorted = { field: k, down: sorted.field === k ? !sorted.down : typeof fields[k].of(0) !== "string" };
      sort();
    });
    head.replaceChildren(button);
  });
  for (const control of [search, threshold, status, action]) control?.addEventListener("input", filter);
  previous.addEventListener("click", () => { page -= 1; draw(); });
  next.addEventListener("click", () => { page += 1; draw(); });
  save.addEventListener("click", () => {
    // A cell that a spreadsheet would run as a formula gets an apostrophe.
    const quote = (value) => {
      const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
      return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const titles = ["shard", ...["synthetic_fraction", "duplicate_fraction", "word_types_change", "tail_retention"].flatMap((n) => [n, `${n}.lower`, `${n}.upper`]), "documents", "tokens", ...(sized ? ["human_tokens_to_acquire"] : []), "action", "flags"];
    const lines = [titles.join(","), ...shown.map((i) => fields.flatMap((field) => field.text(i)).map(quote).join(","))];
    const link = make("a", undefined, { download: "shards.csv", href: URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" })) });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
  sort();
})();
