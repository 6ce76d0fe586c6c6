import { ownerOf } from './patch';

/** Classes that are not exported, or not known beforehand: each is patched when the first object of it is met. They are not kept from being collected. */
export class MetClasses {
  private undo: WeakMap<object, () => void> | undefined = undefined;
  private readonly owners = new Set<WeakRef<object>>();
  private readonly collected = new FinalizationRegistry<WeakRef<object>>((ref) => this.owners.delete(ref));
  private latest: unknown = undefined;

  /**
   * @param method - by which a class is told: it is where its objects have this method from
   * @param patchOwner - patches a class, given its prototype, and returns the undo
   */
  constructor(
    private readonly method: string,
    private readonly patchOwner: (owner: object) => (() => void) | undefined,
  ) {}

  /** From now on they are watched; returns what undoes it. */
  watch(): () => void {
    this.undo = new WeakMap();
    this.latest = undefined;
    return () => {
      const { undo } = this;
      this.undo = undefined;
      for (const ref of this.owners) {
        const owner = ref.deref();
        if (owner !== undefined) undo?.get(owner)?.();
      }
      this.owners.clear();
    };
  }

  /** @param present - the method as the object has it now, if there is usually one class: to see it again is all then */
  meet(object: object, present?: unknown): void {
    if (this.undo === undefined || (present !== undefined && present === this.latest)) return;
    const owner = ownerOf(object, this.method);
    if (owner !== undefined && !this.undo.has(owner)) this.add(owner, this.undo);
    if (present !== undefined) this.latest = (object as Record<string, unknown>)[this.method];
  }

  private add(owner: object, undo: WeakMap<object, () => void>): void {
    // Remembered before it is patched: what fails once is not tried again.
    const ref = new WeakRef(owner);
    let undoOwner: (() => void) | undefined;
    undo.set(owner, () => undoOwner?.());
    this.owners.add(ref);
    this.collected.register(owner, ref);
    undoOwner = this.patchOwner(owner);
  }
}
