/** Text that is HTML already. */
export class Markup {
  constructor(readonly text: string) {}

  toString(): string {
    return this.text;
  }
}

type Inserted = Markup | string | number | false | undefined | readonly Inserted[];

/** A template of HTML. Whatever is inserted is text, and is escaped, in content as in quoted attributes, unless it was made by this function. */
export function html(strings: TemplateStringsArray, ...inserted: readonly Inserted[]): Markup {
  return new Markup(String.raw({ raw: strings }, ...inserted.map(render)));
}

function render(value: Inserted): string {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(render).join('');
  return value === undefined || value === false ? '' : escaped(String(value));
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
