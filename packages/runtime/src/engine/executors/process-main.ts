/** The entry point of a process that does one attempt. */
import { runModule, type ModuleWork } from './module-work.ts';

// Whoever asked for the answer is gone.
process.once('disconnect', () => process.exit(1));

function tell(message: object): void {
  process.send?.(message);
}

process.once('message', (work: ModuleWork) => {
  void runModule(work, tell).then((answer) =>
    // What else the module left running ends here.
    process.send?.({ pawl: 'answer', answer }, () => process.exit(0)),
  );
});
