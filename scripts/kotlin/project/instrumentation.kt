// A stub of AndroidX's access to the app and its test: the assets of both are the working directory.
package androidx.test.platform.app

import android.content.Context

class Instrumentation {
    val context = Context()
    val targetContext = Context()
}

object InstrumentationRegistry {
    fun getInstrumentation() = Instrumentation()
}
