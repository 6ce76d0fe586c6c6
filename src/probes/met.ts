import { type Layer, type Method, ownerOf, patch } from './patch';

type Undo = (() => void) | undefined;

/** A method of classes that are not exported, or not known beforehand: each class is patched when the first object of it is met. */
export class MetClasses {
  private undo: Map<object, Undo> | undefined;
  private latest: unknown;

  /** @param make - given the class's prototype, and as `patch` wants it */
  constructor(
    private readonly method: string,
    private readonly make: (owner: object) => (original: Method, layer: Layer) => Method,
  ) {}

  /** From now on they are watched; returns what undoes it. */
  watch(): () => void {
    const undo = new Map<object, Undo>();
    this.undo = undo;
    this.latest = undefined;
    return () => {
      this.undo = undefined;
      for (const each of undo.values()) each?.();
    };
  }

  /** @param present - the method as the object has it now: usually there is one class, and to see it is all */
  meet(object: object, present: unknown): void {
    if (present === this.latest || this.undo === undefined) return;
    const owner = ownerOf(object, this.method);
    if (owner !== undefined && !this.undo.has(owner))
      this.undo.set(owner, patch(owner, this.method, this.make(owner)));
    this.latest = (object as Record<string, unknown>)[this.method];
  }
}
