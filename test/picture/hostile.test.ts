import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Page } from 'playwright-core';
import { html } from '../../examples/waterfall/html/markup';
import { page as pageOf } from '../../examples/waterfall/html/page';
import { openBrowser, trouble } from '../support/browser';
import { runExample } from '../support/program';
import { serve, serveRaw } from '../support/servers';

const ATTACKS = [
  '<img src=x onerror="hacked=1">',
  '"><script>hacked=1</script>',
  "' onmouseover='hacked=1' style='position:fixed;inset:0",
  '</style><script>hacked=1</script>',
  '&lt;script&gt; &amp;amp;',
  'javascript:hacked=1',
  '\u202egnp.exe',
  'line\nbreak\u0000\u001b[31m',
];

/** Spans in which everything that can be a text is an attack. */
function hostileSpans(attack: string): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = provider.getTracer('test');
  const attributes = {
    'http.request.method': attack,
    'url.full': attack,
    'http.request.header.x': [attack, attack],
    [attack]: attack,
    'http.conn.id': attack,
  };
  const request = tracer.startSpan(attack, { attributes }, ROOT_CONTEXT);
  const inside = trace.setSpan(ROOT_CONTEXT, request);
  for (const name of ['http.connect', `http.${attack}`]) {
    const span = tracer.startSpan(name, { attributes: { 'error.type': attack } }, inside);
    span.addEvent(attack, { [attack]: attack, reason: attack });
    span.setStatus({ code: SpanStatusCode.ERROR, message: attack });
    span.end();
  }
  request.end();
  return exporter.getFinishedSpans();
}

async function show(t: TestContext, text: string, look: (page: Page) => Promise<void>) {
  const browser = await openBrowser();
  if ('missing' in browser) return t.skip(browser.missing);
  const folder = await mkdtemp(join(tmpdir(), 'httptrace-hostile-'));
  try {
    const file = join(folder, 'page.html');
    await writeFile(file, text);
    const page = await browser.newPage();
    const said = await trouble(page, async () => {
      await page.goto(pathToFileURL(file).href);
      for (const row of await page.locator('.row').all()) await row.hover();
    });
    assert.deepEqual(said, []);
    assert.equal(await page.evaluate('typeof hacked'), 'undefined');
    await look(page);
  } finally {
    await browser.close();
    await rm(folder, { recursive: true });
  }
}

test('what is inserted into a page is escaped, unless it is markup', () => {
  const text = '<b>&"\'';
  const escaped = '&lt;b&gt;&amp;&quot;&#39;';
  assert.equal(
    html`<a title="${text}">${text}${[text, [html`<i>`]]}${undefined}${false}${0}</a>`.text,
    `<a title="${escaped}">${escaped}${escaped}<i>0</a>`,
  );
});

test('hostile names, values and messages are text, wherever they stand', async (t) => {
  const sections = ATTACKS.map((attack) => ({
    title: attack,
    note: attack,
    requests: [hostileSpans(attack)],
  }));
  await show(t, pageOf(sections), async (page) => {
    assert.equal(await page.locator('section').count(), ATTACKS.length);
    assert.equal(await page.locator('script').count(), 1);
    assert.equal(await page.locator('style').count(), 1);
    assert.equal(
      await page.locator('img, a, iframe, object, link, base, [onmouseover], [onerror]').count(),
      0,
    );
    const headings = await page.locator('h2').allTextContents();
    assert.deepEqual(headings.slice(0, 7), ATTACKS.slice(0, 7));
    // A text that would turn round what stands beside it is kept to itself.
    assert.equal(await page.locator('h2 > bdi').count(), ATTACKS.length);
  });
});

test('a real URL and real responses that mean harm', async (t) => {
  const hostile = await serve((_req, res) => res.writeHead(404, '<script>hacked=1</script>').end());
  const broken = await serveRaw((socket) => socket.end('HTTP/1.1 <img src=x onerror=hacked=1>\r\n\r\n'));
  t.after(() => Promise.all([hostile.close(), broken.close()]));
  const folder = await mkdtemp(join(tmpdir(), 'httptrace-hostile-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "it's <b>here.html");
  const path = `/?q="><img src=x onerror='hacked=1'>&<script>hacked=1</script>`;
  const { code, stdout } = await runExample('waterfall/main.js', [
    '--html',
    file,
    hostile.origin + path,
    broken.origin,
  ]);
  assert.equal(code, 1);
  assert.ok(stdout.endsWith(`Written to ${file}\n`));
  await show(t, await readFile(file, 'utf8'), async (page) => {
    assert.equal(await page.locator('img, script').count(), 1);
    assert.match((await page.locator('.outcome').allTextContents()).join(' '), /^404 ✗ HPE_/);
  });
});

test('requests of one connection are compared, whatever else is requested before and after', async () => {
  const server = await serve((_req, res) => res.end('hello'));
  const other = await serve((_req, res) => res.end('hello'));
  const folder = await mkdtemp(join(tmpdir(), 'httptrace-compared-'));
  const file = join(folder, 'page.html');
  await runExample('waterfall/main.js', ['--repeat', '3', '--html', file, server.origin, other.origin]);
  const text = await readFile(file, 'utf8');
  assert.equal(text.match(/<div class="compared">/g)?.length, 2);
  assert.equal(text.match(/<figure>/g)?.length, 6);
  await Promise.all([server.close(), other.close(), rm(folder, { recursive: true })]);
});

test('a FILE that cannot be written is one line: before any request with 2, after them with 1', async (t) => {
  const server = await serve((_req, res) => res.end('hello'));
  t.after(server.close);
  const folder = await mkdtemp(join(tmpdir(), 'httptrace-file-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'file'), '');
  const wrong: [string, RegExp][] = [
    [folder, /cannot write to --html '.*': it is a directory/],
    [join(folder, 'nowhere', 'page.html'), /cannot write to --html '.*': no such directory/],
    [join(folder, 'file', 'page.html'), /: part of its path is no directory/],
    ['', /--html needs the name of a file/],
  ];
  for (const [file, message] of wrong) {
    const { code, stdout, stderr } = await runExample('waterfall/main.js', [`--html=${file}`, server.origin]);
    assert.match(stderr, message);
    assert.match(stderr, /^waterfall: [^\n]* \(try --help\)\n$/);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
  }
  assert.equal(server.connections, 0);
  const full = await runExample('waterfall/main.js', ['--html', '/dev/full', server.origin]);
  assert.equal(full.stderr, 'waterfall: cannot write /dev/full: no space left\n');
  assert.equal(full.code, 1);
  assert.match(full.stdout, /^GET http/, 'what was requested is drawn all the same');
});
