import { defaultHighlightStyle, HighlightStyle, LanguageDescription, syntaxHighlighting } from '@codemirror/language';
import { languages } from '@codemirror/language-data';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';

/** Colours of CodeMirror's own light style, and the token that stands for each. */
const tokens: Readonly<Record<string, string>> = {
  '#404740': 'var(--text-muted)',
  '#708': 'var(--terminal-magenta)',
  '#219': 'var(--terminal-yellow)',
  '#164': 'var(--terminal-yellow)',
  '#a11': 'var(--terminal-green)',
  '#e40': 'var(--terminal-cyan)',
  '#00f': 'var(--terminal-blue)',
  '#30a': 'var(--text)',
  '#085': 'var(--terminal-cyan)',
  '#167': 'var(--terminal-cyan)',
  '#256': 'var(--terminal-blue)',
  '#00c': 'var(--terminal-blue)',
  '#940': 'var(--text-faint)',
  '#f00': 'var(--terminal-red)',
};

const highlight = HighlightStyle.define(
  defaultHighlightStyle.specs.map((spec) => ({
    ...spec,
    ...(typeof spec['color'] === 'string' ? { color: tokens[spec['color']] ?? 'var(--text)' } : {}),
  })),
);

const look = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'var(--surface)', fontSize: '13px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '20px', scrollbarWidth: 'thin' },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--accent)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--text-faint)', border: 'none', paddingLeft: '8px' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
  '&.cm-focused .cm-activeLine': { backgroundColor: 'var(--hover)' },
  '.cm-selectionBackground, &.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground': {
    backgroundColor: 'var(--terminal-selection)',
  },
  '.cm-searchMatch': { backgroundColor: 'var(--terminal-match)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--terminal-match-active)' },
  '.cm-panels': { backgroundColor: 'var(--raised)', color: 'var(--text)', fontFamily: 'var(--sans)' },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--line)' },
  '.cm-textfield': { backgroundColor: 'var(--surface)', borderColor: 'var(--control-line)', borderRadius: '4px' },
  '.cm-button': {
    backgroundImage: 'none',
    backgroundColor: 'var(--surface)',
    borderColor: 'var(--line-strong)',
    borderRadius: '4px',
    color: 'var(--text)',
  },
});

/**
 * A read-only CodeMirror in `host`. It lives in a shadow root, where its styles are constructed
 * style sheets: in the document they would be a style element, which the policy refuses.
 */
export function openCodeView(host: HTMLElement, fileName: string): { show(text: string): void; dispose(): void } {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  const language = new Compartment();
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      extensions: [
        lineNumbers(),
        drawSelection(),
        highlightActiveLine(),
        highlightSelectionMatches(),
        search({ top: true }),
        keymap.of(searchKeymap),
        EditorState.readOnly.of(true),
        EditorView.editable.of(false),
        EditorView.contentAttributes.of({ tabindex: '0', 'aria-label': fileName, 'aria-readonly': 'true' }),
        syntaxHighlighting(highlight),
        look,
        language.of([]),
      ],
    }),
  });
  const description = LanguageDescription.matchFilename(languages, fileName);
  if (description) {
    description.load().then(
      (support) => view.dispatch({ effects: language.reconfigure(support) }),
      // Without its colours the file can be read just the same.
      () => undefined,
    );
  }
  return {
    show(text) {
      if (view.state.doc.toString() === text) return;
      const { scrollTop } = view.scrollDOM;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
      view.scrollDOM.scrollTop = scrollTop;
    },
    dispose: () => view.destroy(),
  };
}
