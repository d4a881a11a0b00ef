// Words that are selected in a reviewed text become what the comment is about.

document.addEventListener("selectionchange", () => {
  const chosen = document.getSelection();
  if (!chosen || chosen.isCollapsed) return;
  const within = (node) => (node?.nodeType === 1 ? node : node?.parentElement)?.closest("[data-part]");
  const part = within(chosen.anchorNode);
  const field = document.querySelector("[data-comment] [name=quote]");
  if (!part || part !== within(chosen.focusNode) || !field) return;
  field.value = chosen.toString().replace(/\s+/g, " ").trim().slice(0, 500);
  field.closest("details")?.setAttribute("open", "");
});
