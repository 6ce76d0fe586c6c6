import type { Seen } from './seen';
import type { Teller } from './told';

/** Who is told, beside the hooks. */
let teller: Teller = {};

export function tell(toldBy: Teller): void {
  teller = toldBy;
}

export function gotConn(seen: Seen): void {
  seen.gotConnAt = performance.now();
  if (seen.info !== undefined) seen.hooks?.gotConn?.(seen.info);
  if (seen.span?.isRecording()) teller.gotConn?.(seen, seen.span);
}

export function wroteHeaders(seen: Seen): void {
  if (seen.gotConnAt === 0 || seen.wroteHeadersAt > 0) return;
  seen.wroteHeadersAt = performance.now();
  seen.hooks?.wroteHeaders?.();
}

export function bodyEnd(seen: Seen): void {
  if (seen.bodyEndAt > 0) return;
  seen.bodyEndAt = performance.now();
  if (seen.span?.isRecording()) teller.bodyEnd?.(seen, seen.span);
}

export function done(seen: Seen, err?: Error): void {
  if (seen.isOver) return;
  seen.isOver = true;
  seen.hooks?.roundTripDone?.(err);
  if (seen.span !== undefined) teller.done?.(seen, seen.span);
}
