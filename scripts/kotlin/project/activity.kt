// Stubs of AndroidX's activity with the photo picker.
package androidx.activity

import android.content.Context
import android.os.Bundle
import android.view.View
import androidx.activity.result.ActivityResultLauncher

open class ComponentActivity : Context() {
    val applicationContext: Context = this

    protected open fun onCreate(savedInstanceState: Bundle?) = Unit

    protected open fun onDestroy() = Unit

    fun setContentView(layout: Int) = check(layout > 0)

    fun <T : View> findViewById(id: Int): T = throw IllegalStateException("no view $id in a stub")

    fun runOnUiThread(action: () -> Unit) = action()

    fun <I, O> registerForActivityResult(contract: ActivityResultContract<I, O>, callback: (O) -> Unit) =
        ActivityResultLauncher<I>(contract.hashCode() + callback.hashCode())
}

abstract class ActivityResultContract<I, O>
