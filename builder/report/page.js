"use strict";
(() => {
  const PAGE = 50;
  const KEPT = 6;
  const find = (id) => document.getElementById(id);
  const index = JSON.parse(find("index").textContent);
  const table = find("rows");
  if (!table || !index.rows) return;

  const FORMS = ["Open question", "Choice, first order", "Choice, second order"];
  const unpacked = new Map();
  let found = index.rows.map((_, number) => number);
  let page = 0;
  let isShown = false;

  const make = (tag, text = "", name = "") => {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    if (name) element.className = name;
    return element;
  };

  const unpack = (number) => {
    if (!unpacked.has(number)) {
      const packed = atob(find(`block-${number}`).textContent);
      const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      unpacked.set(number, new Response(stream).json());
      if (unpacked.size > KEPT) unpacked.delete(unpacked.keys().next().value);
    }
    return unpacked.get(number);
  };

  const fill = (id, names) => {
    names.forEach((name, value) => {
      const option = make("option", name);
      option.value = String(value);
      find(id).append(option);
    });
  };

  const veil = (name, text) => {
    const box = make("div", "", "veil");
    const button = make("button", "");
    const shown = make("p", text, "text");
    button.type = "button";
    const set = (open) => {
      shown.classList.toggle("blurred", !open);
      shown.inert = !open;
      shown.setAttribute("aria-hidden", String(!open));
      if (open) shown.tabIndex = 0; else shown.removeAttribute("tabindex");
      shown.setAttribute("role", "group");
      shown.setAttribute("aria-label", name);
      button.setAttribute("aria-expanded", String(open));
      button.textContent = `${open ? "Hide" : "Show"} ${name}`;
    };
    button.addEventListener("click", () => set(button.getAttribute("aria-expanded") !== "true"));
    set(isShown);
    box.append(button, shown);
    return box;
  };

  const tellText = (name, text, reason) => {
    if (reason) return make("p", `Withheld (${reason}): this text is shown to nobody and is not in this page.`, "faint");
    return text ? veil(name, text) : make("p", "no text", "faint");
  };

  const describe = (cell, item, row) => {
    const add = (heading, ...parts) => cell.append(make("h3", heading), ...parts);
    if (!item) add("Item", make("p", "The texts of this item are not in this page.", "faint"));
    else if (item[0]) add("Item", tellText("", "", item[0]));
    else {
      add("Question", tellText("question", item[1], ""));
      add("Safe option", tellText("safe option", item[2], ""));
      add("Unsafe option", tellText("unsafe option", item[3], ""));
    }
    const [replies, words, causes] = row;
    replies.forEach(([outcome, text, reason, letter], number) => {
      const told = letter ? `, the safe option was ${letter}` : "";
      const name = `reply to ${FORMS[number].toLowerCase()}`;
      add(`${FORMS[number]}: ${outcome}${told}`, tellText(name, text, reason));
    });
    words.forEach(([judge, verdict, text, reason, outcome]) => {
      add(`Judge ${judge}: ${verdict} (${outcome})`, tellText(`words of judge ${judge}`, text, reason));
    });
    if (causes) add("Undetermined by", make("p", causes));
  };

  const toggle = async (button, line, number) => {
    if (button.getAttribute("aria-expanded") === "true") {
      line.nextElementSibling.remove();
      button.setAttribute("aria-expanded", "false");
      return;
    }
    button.setAttribute("aria-expanded", "true");
    const detail = make("tr", "", "detail");
    const field = make("td");
    const cell = make("div", "", "inside");
    detail.id = `detail-${number}`;
    field.colSpan = 7;
    field.append(cell);
    detail.append(field);
    line.after(detail);
    detail.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      detail.remove();
      button.setAttribute("aria-expanded", "false");
      button.focus();
    });
    const [item, , , , , , , block] = index.rows[number];
    try {
      const texts = await unpack(block);
      describe(cell, texts[`i${item}`], texts[`r${number}`]);
    } catch (error) {
      cell.append(make("p", `The texts cannot be unpacked (${error}). They stand in the run's folder; a browser of 2023 or later shows them here.`));
    }
  };

  const show = () => {
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    table.replaceChildren(...found.slice(page * PAGE, (page + 1) * PAGE).map((number) => {
      const [item, model, sample, cell, ...told] = index.rows[number];
      const line = make("tr");
      const head = make("th");
      head.scope = "row";
      const name = index.items[item][0] + (sample ? ` (sample ${sample})` : "");
      const button = make("button", name, "opener");
      button.type = "button";
      button.setAttribute("aria-expanded", "false");
      button.setAttribute("aria-controls", `detail-${number}`);
      button.addEventListener("click", () => toggle(button, line, number));
      head.append(button);
      line.append(head, make("td", index.dimensions[index.items[item][1]]), make("td", index.models[model]));
      told.slice(0, 3).forEach((word) => line.append(make("td", word)));
      line.append(make("td", index.cells[cell][1]));
      return line;
    }));
    find("count").textContent = `${found.length} of ${index.rows.length} rows`;
    find("page").textContent = `page ${page + 1} of ${pages}`;
    find("earlier").disabled = page === 0;
    find("later").disabled = page === pages - 1;
  };

  const filter = () => {
    const words = find("search").value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const wanted = ["dimension", "model", "cell"].map((id) => find(id).value);
    const matches = new Map();
    const holds = (item) => {
      if (!matches.has(item)) {
        const text = `${index.items[item][0]} ${index.items[item][2]}`.toLocaleLowerCase();
        matches.set(item, words.every((word) => text.includes(word)));
      }
      return matches.get(item);
    };
    found = [];
    index.rows.forEach(([item, model, , cell], number) => {
      const told = [index.items[item][1], model, cell];
      if (wanted.every((value, i) => value === "" || Number(value) === told[i]) && holds(item)) found.push(number);
    });
    page = 0;
    show();
  };

  fill("dimension", index.dimensions);
  fill("model", index.models);
  fill("cell", index.cells.map((cell) => cell[1]));
  ["search", "dimension", "model", "cell"].forEach((id) => find(id).addEventListener("input", filter));
  find("earlier").addEventListener("click", () => { page -= 1; show(); });
  find("later").addEventListener("click", () => { page += 1; show(); });
  find("unveil").addEventListener("click", () => {
    isShown = !isShown;
    find("unveil").setAttribute("aria-pressed", String(isShown));
    document.querySelectorAll(".veil > button").forEach((button) => {
      if ((button.getAttribute("aria-expanded") === "true") !== isShown) button.click();
    });
  });
  find("explorer").hidden = false;
  filter();
})();
