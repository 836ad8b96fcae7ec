// The workshop's editor: what may stand at the cursor is asked of the server, which knows the schema and the skill's names.
(() => {
  const TYPES = { key: "property", value: "constant", slot: "variable", response: "text", flow: "class", action: "function", step: "enum" };
  const PATIENCE_MS = 2000;
  let asked = 0, answer = null;
  const ask = (el, question) => new Promise((done) => {
    const n = ++asked, later = setTimeout(() => done([]), PATIENCE_MS);
    answer = { n, done: (found) => { clearTimeout(later); done(found); } };
    el.$emit("complete", { n, ...question });
  });
  const option = ({ label, kind, said }) => ({ label, detail: said, type: TYPES[kind], apply: kind === "key" ? `${label}: ` : label });
  window.cn.completed = (n, found) => { if (answer?.n === n) answer.done(found); };
  window.cn.completing = async (id) => {
    const el = window.getElement?.(id);
    await el?.editorPromise;
    if (!el?.editor) return;
    const { EditorState, StateEffect } = await import("nicegui-codemirror");
    const source = async (context) => {
      const word = context.matchBefore(/[\w:-]*/);
      if (!context.explicit && !word?.text) return null;
      const line = context.state.doc.lineAt(context.pos);
      const found = await ask(el, { line: line.number, head: context.state.sliceDoc(line.from, context.pos) });
      return found.length ? { from: word ? word.from : context.pos, options: found.map(option), validFor: /^[\w-]*$/ } : null;
    };
    el.editor.dispatch({ effects: StateEffect.appendConfig.of(EditorState.languageData.of(() => [{ autocomplete: source }])) });
  };
})();
