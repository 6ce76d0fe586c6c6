import newrelic from 'newrelic';
import { coldAndReused } from '../requests.mjs';

await newrelic.startBackgroundTransaction('job', () => coldAndReused());
await new Promise((resolve) => newrelic.shutdown({}, resolve));
