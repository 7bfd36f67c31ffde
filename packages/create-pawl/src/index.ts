export {
  LANGUAGES,
  makeProject,
  nextSteps,
  ProjectRefusal,
  type Language,
  type MadeProject,
  type ProjectOptions,
} from './project.ts';
