import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import { openBrowser, trouble } from '../support/browser';
import { type Ended, runExample } from '../support/program';

let folder: string;
let file: string;
let demo: Ended;
let browser: Awaited<ReturnType<typeof openBrowser>>;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'httptrace-page-'));
  file = join(folder, 'demo.html');
  demo = await runExample('waterfall/main.js', ['--html', file]);
  browser = await openBrowser();
});
after(async () => {
  if ('close' in browser) await browser.close();
  await rm(folder, { recursive: true });
});

/** The demo's page in a browser; undefined, and the test skipped, where there is no browser. */
async function open(
  t: TestContext,
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<Page | undefined> {
  if ('missing' in browser) {
    t.skip(browser.missing);
    return undefined;
  }
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, ...options });
  t.after(() => page.close());
  await page.goto(pathToFileURL(file).href);
  return page;
}

const sectionOf = (page: Page, title: string) =>
  page.locator('section', { has: page.getByRole('heading', { name: title, exact: true }) });
const rowOf = (within: Locator, name: string) =>
  within.locator('.row', { has: within.page().locator(`.name:text-is("${name}")`) }).first();

const PHASES = ['getconn', 'dns', 'connect', 'tls', 'send', 'wait', 'receive'];

/** As the browser computed it. */
function styleOf(locator: Locator, property: string): Promise<string> {
  type Window = { getComputedStyle(element: unknown): Record<string, string> };
  return locator.evaluate(
    (element, name) => (globalThis as unknown as Window).getComputedStyle(element)[name] ?? '',
    property,
  );
}

async function boxOf(locator: Locator) {
  const box = await locator.boundingBox();
  assert.ok(box);
  return { ...box, right: box.x + box.width, bottom: box.y + box.height };
}

test('--html FILE writes one page beside the waterfalls in the terminal, and says so', async () => {
  assert.deepEqual({ code: demo.code, stderr: demo.stderr }, { code: 0, stderr: '' });
  assert.match(demo.stdout, /^── 1\. Cold ─+$/m);
  assert.ok(demo.stdout.endsWith(`Written to ${file}\n`));
  const text = await readFile(file, 'utf8');
  assert.match(text, /^<!doctype html>\n<html lang="en">/);
  assert.doesNotMatch(text, /\b(src|href)=|@import|url\(/, 'it refers to nothing');
});

test('the page asks the net for nothing, and its own script is all that its policy lets run', async (t) => {
  const page = await open(t);
  if (page === undefined) return;
  assert.deepEqual(await trouble(page, () => page.reload()), []);
  const inject = `document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }))`;
  const foreign = await trouble(page, () => page.evaluate(inject));
  assert.match(foreign.join(), /Content Security Policy/);
  assert.equal(await page.evaluate('window.ran'), undefined);
});

test('each request of each scene is drawn, phase by phase', async (t) => {
  const page = await open(t);
  if (page === undefined) return;
  const drawn: string[][] = await page.evaluate(`[...document.querySelectorAll('section')].map((section) => [
    section.querySelector('h2').textContent,
    ...[...section.querySelectorAll('figure')].map((each) =>
      [...each.querySelectorAll('.name')].map((name) => name.textContent).join(' ')),
  ])`);
  const DIAL = 'http.getconn http.dns http.connect';
  const [cold, reused, queued, expect, slow, refused, untrusted] = drawn;
  assert.equal(drawn.length, 7);
  assert.deepEqual(cold, ['Cold', `GET ${DIAL} http.tls http.wait http.receive`]);
  assert.deepEqual(reused, ['Reused', 'GET http.wait http.receive']);
  assert.deepEqual(queued?.slice(2), Array(2).fill('GET http.getconn http.wait http.receive'));
  assert.deepEqual(expect, ['Expect: 100-continue', 'POST http.send http.receive']);
  assert.deepEqual(slow, ['Slow', `GET ${DIAL} http.wait http.receive`]);
  assert.match(String(refused?.[1]), new RegExp(`^GET ${DIAL}( http.connect)?$`));
  assert.deepEqual(untrusted, ['Untrusted', `GET ${DIAL} http.tls`]);
});

test('cold and reused are side by side on one scale; on a narrow screen one below the other, and nothing sticks out', async (t) => {
  const page = await open(t);
  if (page === undefined) return;
  const both = async () =>
    [await boxOf(sectionOf(page, 'Cold')), await boxOf(sectionOf(page, 'Reused'))] as const;
  const [left, right] = await both();
  assert.ok(left.right <= right.x && left.y === right.y);
  const ticks = async (title: string) =>
    (await sectionOf(page, title).locator('.tick').allTextContents()).join();
  assert.equal(await ticks('Reused'), await ticks('Cold'));
  for (const width of [320, 390, 800, 1200, 2000]) {
    await page.setViewportSize({ width, height: 900 });
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), width);
  }
  await page.setViewportSize({ width: 390, height: 900 });
  const [above, below] = await both();
  assert.ok(above.bottom <= below.y && above.x === below.x);
});

test('bars lie inside their track, in the order in which the phases came', async (t) => {
  const page = await open(t);
  if (page === undefined) return;
  const cold = sectionOf(page, 'Cold');
  let before = 0;
  for (const name of ['http.dns', 'http.connect', 'http.tls', 'http.wait', 'http.receive']) {
    const bar = await boxOf(rowOf(cold, name).locator('.bar'));
    const track = await boxOf(rowOf(cold, name).locator('.track'));
    // The narrowest bar is three pixels wide, also where less would be right.
    assert.ok(bar.x >= track.x - 0.5 && bar.right <= track.right + 3, name);
    assert.ok(bar.x >= before - 3, `${name} begins at ${bar.x}, what is before it ends at ${before}`);
    before = bar.right;
  }
});

test('pointing at a bar shows its attributes; so does the keyboard, until Escape', async (t) => {
  const page = await open(t);
  if (page === undefined) return;
  const tls = rowOf(sectionOf(page, 'Cold'), 'http.tls');
  const tip = tls.getByRole('tooltip', { includeHidden: true });
  assert.equal(await tip.isVisible(), false);
  await tls.hover();
  assert.equal(await tip.isVisible(), true);
  assert.match(await tip.innerText(), /tls\.protocol\.version\s+1\.3/);
  await page.mouse.move(0, 0);
  assert.equal(await tip.isVisible(), false);

  await rowOf(sectionOf(page, 'Cold'), 'http.connect').focus();
  await page.keyboard.press('Tab');
  assert.equal(await tls.evaluate((row) => row.matches(':focus')), true, 'rows follow one another');
  assert.equal(await tip.isVisible(), true);
  assert.equal(await tls.getAttribute('aria-describedby'), await tip.getAttribute('id'));
  await page.keyboard.press('Escape');
  assert.equal(await tip.isVisible(), false);
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Tab');
  assert.equal(await tip.isVisible(), true);
});

test('events of a phase are marked, and told with their time', async (t) => {
  const page = await open(t);
  if (page === undefined) return;
  const send = rowOf(sectionOf(page, 'Expect: 100-continue'), 'http.send');
  assert.equal(await send.locator('.mark').count(), await send.locator('.event').count());
  await send.hover();
  assert.match(await send.getByRole('tooltip').innerText(), /http\.got_100_continue\s+at [\d.]+ (ms|s)/);
});

test('failures are red, striped, and said in words', async (t) => {
  const page = await open(t);
  if (page === undefined) return;
  for (const [title, phase, code] of [
    ['Refused', 'http.connect', 'ECONNREFUSED'],
    ['Untrusted', 'http.tls', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ] as const) {
    const section = sectionOf(page, title);
    const row = rowOf(section, phase);
    assert.match(await row.locator('.time').innerText(), /^✗ /);
    assert.match(await styleOf(row.locator('.bar'), 'backgroundImage'), /repeating-linear-gradient/);
    assert.equal(await section.locator('.outcome').innerText(), `✗ ${code}`);
    assert.match(
      await section.locator('figure > .problem').innerText(),
      new RegExp(`^✗ ${phase}: .*${code}`),
    );
  }
  assert.equal(await sectionOf(page, 'Cold').locator('.failed').count(), 0);
});

test('light and dark: every phase has its own colour, that of the legend, and stands out from the page', async (t) => {
  const pages: string[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await open(t, { colorScheme });
    if (page === undefined) return;
    const of = (selector: string, property = 'backgroundColor') =>
      styleOf(page.locator(selector).first(), property);
    const bars = (within: string) => Promise.all(PHASES.map((phase) => of(`${within} .bar.${phase}`)));
    const card = await of('section');
    const legend = await bars('.legend');
    assert.deepEqual(await bars('.track'), legend);
    assert.equal(new Set(legend).size, PHASES.length);
    // What the Web Content Accessibility Guidelines ask: 4.5 for text, 3 for graphics. Bars of http.getconn are pale where there is more to see inside.
    for (const text of ['body', '.note', '.facts', '.outcome.failed', '.outcome.good', '.problem'])
      assert.ok(contrast(await of(text, 'color'), card) >= 4.5, `${colorScheme} ${text}`);
    for (const [i, color] of legend.entries())
      assert.ok(contrast(color, card) >= (i === 0 ? 2.5 : 3), `${colorScheme} ${PHASES[i]}`);
    pages.push(await of('body'));
  }
  assert.ok(contrast(pages[0] ?? '', pages[1] ?? '') > 10, 'the one is light, the other dark');
});

/** Of two colours, by WCAG 2. */
function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? [])
    .map((part) => Number(part) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
