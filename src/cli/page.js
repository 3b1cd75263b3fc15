/* page.js: filters, sorts, opens; the page is whole without it. No "less than"
   and no ampersand, so that the page stays XML. */
(function () {
	"use strict";
	const byId = (id) => document.getElementById(id);
	const all = (what, root) => Array.from((root || document).querySelectorAll(what));
	const tools = byId("tools");
	const findings = all(".finding");
	const texts = new Map();
	const lists = all(".findings");

	function textOf(finding) {
		if (!texts.has(finding)) {
			texts.set(finding, finding.textContent.toLowerCase());
		}
		return texts.get(finding);
	}

	function filter() {
		const words = byId("filter").value.toLowerCase().split(/\s+/);
		const verdicts = new Set(all("fieldset input:checked", tools).map((input) => input.value));
		let shown = 0;
		findings.forEach((finding) => {
			const fits = verdicts.has(finding.dataset.verdict) ? words.every((word) => textOf(finding).includes(word)) : false;
			finding.hidden = !fits;
			shown += fits ? 1 : 0;
		});
		lists.forEach((list) => {
			const left = list.querySelector(".finding:not([hidden])");
			list.parentNode.hidden = left ? false : list.children.length > 0;
		});
		byId("shown").textContent = shown === findings.length ? shown + " findings" : shown + " of " + findings.length;
	}

	function sort() {
		const key = byId("sort").value;
		const sign = key === "id" ? 1 : -1;
		lists.forEach((list) => {
			const sorted = Array.from(list.children).sort((a, b) => sign * (a.dataset[key] - b.dataset[key]) || a.dataset.id - b.dataset.id);
			list.append(...sorted);
		});
	}

	function setOpen(open) {
		all("details.finding:not([hidden])").forEach((finding) => {
			finding.open = open;
		});
	}

	function show() {
		const target = byId(location.hash.slice(1));
		if (target ? target.matches("details") : false) {
			target.hidden = false;
			target.open = true;
			target.scrollIntoView();
		}
	}

	if (findings.length > 1) {
		tools.hidden = false;
		tools.addEventListener("submit", (event) => event.preventDefault());
		byId("filter").addEventListener("input", filter);
		all("fieldset input", tools).forEach((input) => input.addEventListener("change", filter));
		byId("sort").addEventListener("change", sort);
		byId("open").addEventListener("click", () => setOpen(true));
		byId("close").addEventListener("click", () => setOpen(false));
		filter();
	}
	addEventListener("hashchange", show);
	show();
})();
