"use strict";
// Tables that sort: a click, Enter or Space on a heading; what is missing stays last.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const numeric = head.classList.contains("n");
    const key = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
    const compare = (a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      return (up ? 1 : -1) * (numeric ? x - y : x.localeCompare(y, "en", { numeric: true }));
    };
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort(compare));
  }));
}
// The trials: by state, and by any text in a row.
const filters = document.querySelector(".filters");
if (filters) {
  const rows = [...document.querySelector("#trials tbody").rows];
  const text = filters.querySelector("input");
  const count = filters.querySelector("output");
  const apply = () => {
    const wanted = filters.querySelector("[aria-pressed=true]").dataset.state;
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const content = row.textContent.toLowerCase();
      row.hidden = !(row.dataset.states.split(" ").includes(wanted) && words.every((word) => content.includes(word)));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = `${shown} of ${rows.length}`;
  };
  text.addEventListener("input", apply);
  for (const button of filters.querySelectorAll("button")) {
    button.addEventListener("click", () => {
      filters.querySelectorAll("button").forEach((other) => other.setAttribute("aria-pressed", other === button));
      apply();
    });
  }
  apply();
}
