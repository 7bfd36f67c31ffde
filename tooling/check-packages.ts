console.log('no package checks yet');
