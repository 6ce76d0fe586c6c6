import { coldAndReused } from '../requests.mjs';

await coldAndReused();
