import * as Sentry from '@sentry/node';
import { coldAndReused } from '../requests.mjs';

await Sentry.startSpan({ name: 'job' }, () => coldAndReused());
await Sentry.flush();
