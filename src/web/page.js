/* SPDX-License-Identifier: Apache-2.0
 * Keeps a page up to date: fetches it again and puts its <main> in the place of the one that is
 * shown. Without this script the page is the same, as of when it was loaded. */
"use strict";

const PERIOD_MS = 10000;
const TIMEOUT_MS = 8000;

/* Whether somebody is in the middle of something that a new <main> would take away. */
function busy() {
	const selection = window.getSelection();
	const at = document.activeElement;

	const main = document.querySelector("main");
	const typed = Array.from(main.querySelectorAll("input"), (i) => i.value !== i.defaultValue);

	return document.hidden || (selection && !selection.isCollapsed) || typed.includes(true) ||
		(at && (at.tagName === "INPUT" || at.tagName === "SELECT")) ||
		main.classList.contains("stays");
}

/* An order is about to be given: what is shown has to stay where it is, since its place may soon be
 * another incident's. */
function ordering() {
	const at = document.activeElement;

	return document.querySelector(".orders details[open]") !== null ||
		(at !== null && at.closest(".orders") !== null);
}

/* But orders, which nobody may find open, or have the focus on, who has not asked for it. */
function withoutOrders(main, what) {
	return Array.from(main.querySelectorAll(what)).filter((e) => e.closest(".orders") === null);
}

/* Where the focus is, as the n-th of what can have it: the new <main> has it at the same place. */
function focusable(main) {
	return withoutOrders(main, "a, summary, input, select, button, [tabindex]");
}

function replaceMain(next) {
	const main = document.querySelector("main");
	const at = focusable(main).indexOf(document.activeElement);
	const open = withoutOrders(main, "details").map((d) => d.open);

	withoutOrders(next, "details").forEach((d, i) => {
		if (i < open.length)
			d.open = open[i];
	});
	main.replaceWith(next);
	if (at >= 0 && focusable(next)[at])
		focusable(next)[at].focus({preventScroll: true});
}

/* What is shown is old from here on, and that is said. */
function say(text) {
	const line = document.getElementById("stale");

	if (line.textContent !== text)
		line.textContent = text;
	line.hidden = text === "";
}

async function load() {
	const answer = await fetch(window.location.href, {signal: AbortSignal.timeout(TIMEOUT_MS),
		redirect: "error"});

	if (!answer.ok && answer.status !== 404)
		throw new Error(`it answered ${answer.status}`);
	return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function refresh() {
	if (busy())
		return;
	if (ordering()) {
		say("An order is open here. Until it is given or closed, this page is not renewed.");
		return;
	}
	try {
		const page = await load();
		const next = page.querySelector("main");

		if (!next)
			throw new Error("it answered something else");
		replaceMain(document.adoptNode(next));
		document.title = page.title;
		say("");
	} catch (error) {
		const since = document.querySelector("main time.now");

		say(`stagewatchd does not answer (${error.message}). What is shown is as of ` +
			`${since ? since.textContent : "some time ago"}.`);
	}
}

window.setInterval(refresh, PERIOD_MS);
document.addEventListener("visibilitychange", refresh);
