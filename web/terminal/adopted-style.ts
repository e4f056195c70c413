/**
 * xterm.js writes its colours and sizes into style elements, which `style-src 'self'` refuses. An
 * element that puts the same text into a constructed style sheet needs no exception in the policy.
 */
class AdoptedStyle extends HTMLElement {
  readonly #sheet = new CSSStyleSheet();

  override get textContent(): string {
    return '';
  }
  override set textContent(text: string | null) {
    this.#sheet.replaceSync(text ?? '');
  }
  connectedCallback(): void {
    this.hidden = true;
    document.adoptedStyleSheets.push(this.#sheet);
  }
  disconnectedCallback(): void {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== this.#sheet);
  }
}

/** Cells with a colour of their own get it as a style attribute, which the policy refuses; through the CSSOM it is allowed. */
function setAttributeByRules(this: HTMLElement, name: string, value: string): void {
  if (name === 'style') this.style.cssText = value;
  else Element.prototype.setAttribute.call(this, name, value);
}

const elementName = 'casemate-adopted-style';

/**
 * Runs `build` with the document itself making adopted styles. xterm.js' scrollbar asks the document
 * of the window, not the one it was given, and does so while a terminal is opened.
 */
export function withAdoptedStyles(build: () => void): void {
  document.createElement = documentWithAdoptedStyles().createElement;
  try {
    build();
  } finally {
    // The method of the prototype shows through again.
    Reflect.deleteProperty(document, 'createElement');
  }
}

/** The document as xterm.js is given it (`documentOverride`): only styles differ. */
export function documentWithAdoptedStyles(): Document {
  if (!customElements.get(elementName)) customElements.define(elementName, AdoptedStyle);
  const bound = new Map<PropertyKey, unknown>();
  return new Proxy(document, {
    get(target, property) {
      if (property === 'createElement') {
        return (name: string, options?: ElementCreationOptions) => {
          const tag = name === 'style' ? elementName : name;
          const element: HTMLElement = Document.prototype.createElement.call(target, tag, options);
          if (name === 'span') element.setAttribute = setAttributeByRules;
          return element;
        };
      }
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const known = bound.get(property);
      if (known) return known;
      const method: unknown = value.bind(target);
      bound.set(property, method);
      return method;
    },
    set: (target, property, value) => Reflect.set(target, property, value, target),
  });
}
