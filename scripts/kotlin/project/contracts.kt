// A stub of the contract of the photo picker.
package androidx.activity.result.contract

import android.net.Uri
import androidx.activity.ActivityResultContract
import androidx.activity.result.PickVisualMediaRequest

class ActivityResultContracts {
    class PickVisualMedia : ActivityResultContract<PickVisualMediaRequest, Uri?>() {
        interface VisualMediaType

        object ImageOnly : VisualMediaType
    }
}
