import { type Browser, chromium, type Page } from 'playwright-core';
import { findChromium } from './tools';

/** A real browser without a window, or why there is none. It has nothing to say to anybody on the net. */
export async function openBrowser(): Promise<Browser | { readonly missing: string }> {
  const found = findChromium();
  if ('missing' in found) return found;
  return await chromium.launch({
    executablePath: found.bin,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** What a page asked for, said and wanted to show while `act` ran: nothing, if it needs only itself. */
export async function trouble(page: Page, act: () => Promise<unknown>): Promise<string[]> {
  const said: string[] = [];
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(error.message));
  page.on('dialog', (dialog) => {
    said.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => said.push(request.url()));
  await act();
  return said.filter((text) => text !== page.url());
}
